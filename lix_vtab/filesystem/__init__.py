"""Files and directories: paths, descriptors, the tree they form, and the bytes of files.

`Session.files` is a `Filesystem`. What it says about a scope holds for every scope, that of a
version as well as that of a commit (`Scopes.at(segment_id, seq)`):

- `files.descriptor(scope, file_id)` is the `File` (directory, name, extension, metadata, hidden)
  or None when the scope shows no such file, `files.path(scope, file_id)` its path (None when it
  hangs on no root), `files.data(scope, file_id)` its bytes, `files.digest(scope, file_id)` the hex
  BLAKE3 of those bytes or None without content.
- `files.find(scope, path)` lists the ids of the files at a path, `files.list(scope)` yields
  `(file_id, path)` of all files, `files.directory_paths(scope)` knows the paths of directories.
- `files.renderings.commits(segment_id, file_id, low, high)` yields `(seq, digest)` of each commit
  of a segment that changed the bytes of a file, commits that changed only the formatting included.
- `files.adopt_bytes(version_id, file_id, scope)` gives a file the very bytes it has in another
  scope, after its entities were made those of that scope (restore, undo, fast-forward merges).

`surfaces.file.FileRows.at(plan, args, scope)` finds the rows of `lix_file` in any scope, with the
same columns, conditions and speed; `surfaces.directory.DirectoryRows.at` those of `lix_directory`.

How it is stored: `lix_internal_entry` is the index of names, derived from descriptors;
`lix_internal_rendering` ties a file's set of entities to the bytes it stands for. Both are keyed
by `holder`, the segment that holds the rows or minus the number of the version whose overlay does,
and by the interval of commits [since, until) they hold for.
"""
