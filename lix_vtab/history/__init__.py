"""What happened: the commit graph, revision names, past states, differences, restoring.

`Session.history` is a `History`. What others build on:

- `history.resolve(name)` returns the `Revision` of any revision name (`HEAD~2`, a version, a
  checkpoint, a commit id, `main@2026-01-31`, see `history.revision`), HEAD for None, and raises
  CommitNotFound. `revision.commit` is the `Commit`, with its segment and seq.
- `history.scope(revision)` is the scope of that state: any reader that takes a scope
  (`Reader.rows_at`, `TreeRows.at`, `Filesystem.data`) shows what was there then, as fast as now.
- `history.graph.reach(commit)` knows which commits can be reached and how far away each is,
  `.line(commit)` the stretches of segments of the first-parent line, `.merge_bases(a, b)`.
- `adopt.adopt(...)` makes rows of one line rows of another without new changes, as merges do.

For a table of any shape:

- `<table>_at(revision)`: `surfaces.at.At(session, name, (*columns, REVISION), rows_at)`, where
  `rows_at(plan, args, scope)` finds rows in a scope.
- `<table>_history`: `surfaces.history_reader.HistoryReader(session, columns, schema_key=...)` finds
  the changes that led to a root commit, with their depth; `columns` are templates over the fields
  of a change, plus `HISTORY_COLUMNS`.
- set-wise comparison of two states: `diff.Difference`.

How it is answered: the rows of a segment (`tip` and `past`) say for each key which change was
placed by which commit, so the history of a key is a look-up in each segment that can be reached;
`graph` turns commits into depths. Nothing walks all commits.
"""
