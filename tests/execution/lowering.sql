-- upsert: update, with excluded, WHERE, alias, parameters
INSERT INTO entry (k, s, n) VALUES ('a', 'f', 1) ON CONFLICT (k, s) DO UPDATE SET n = excluded.n;
INSERT INTO entry (k, s, n) VALUES ('a', 'f', 1) ON CONFLICT (s, k) DO UPDATE SET n = n + excluded.n;
INSERT INTO entry (k, n) VALUES ('a', 1) ON CONFLICT (k, s) DO UPDATE SET n = entry.n * 2;
INSERT INTO main.entry AS e (k, n) VALUES ('a', 1) ON CONFLICT (k, s) DO UPDATE SET n = e.n + 1;
INSERT INTO "entry" ("k", [n]) VALUES ('a', 1) ON CONFLICT ("k", `s`) DO UPDATE SET [n] = "excluded"."n";
INSERT INTO entry (k, n) VALUES ('a', 1) ON CONFLICT (k, s) DO UPDATE SET n = excluded.n WHERE entry.n > 10;
INSERT INTO entry (k, n) VALUES ('b', 1) ON CONFLICT (k, s) DO UPDATE SET n = excluded.n WHERE n > 10;
INSERT INTO entry (k, n) VALUES ('b', 1) ON CONFLICT (k, s) DO UPDATE SET s = 'h', n = NULL;
INSERT INTO entry (k, n) VALUES ('b', 1) ON CONFLICT (k, s) DO UPDATE SET (s, n) = ('h', excluded.n + 1);
INSERT INTO entry (k, n) VALUES ('b', 1) ON CONFLICT (k, s) DO UPDATE SET (s, n) = (SELECT 'q', excluded.n + 7) RETURNING *;
INSERT INTO entry (k, n) VALUES ('b', 1) ON CONFLICT (k, s) DO UPDATE SET n = 1, n = 2;
INSERT INTO entry (k, n) VALUES ('b', 1) ON CONFLICT (k, s) DO UPDATE SET n = (SELECT max(id) FROM item WHERE id > excluded.n);
INSERT INTO entry (k, n) VALUES ('b', 5) ON CONFLICT (k, s) DO UPDATE SET stamp = excluded.stamp || excluded.s;

-- upsert: nothing
INSERT INTO entry (k, n) VALUES ('a', 1) ON CONFLICT (k, s) DO NOTHING;
INSERT INTO entry (k, n) VALUES ('a', 1), ('d', 2) ON CONFLICT DO NOTHING;
INSERT INTO entry (k, u) VALUES ('q', 1), ('r', 7) ON CONFLICT DO NOTHING;
INSERT INTO entry (k, u) VALUES ('q', 1) ON CONFLICT (k, s) DO NOTHING;
INSERT INTO entry (k, u) VALUES ('a', 2) ON CONFLICT (k, s) DO NOTHING;

-- several clauses, no target, both keys in the way
INSERT INTO entry (k, u, n) VALUES ('a', 2, 5) ON CONFLICT (u) DO UPDATE SET n = 100 ON CONFLICT (k, s) DO UPDATE SET n = 200;
INSERT INTO entry (k, u, n) VALUES ('a', 9, 5) ON CONFLICT (u) DO UPDATE SET n = 100 ON CONFLICT (k, s) DO UPDATE SET n = 200;
INSERT INTO entry (k, u, n) VALUES ('q', 2, 5) ON CONFLICT (k, s) DO NOTHING ON CONFLICT DO UPDATE SET n = excluded.n;
INSERT INTO entry (k, u, n) VALUES ('a', 2, 5) ON CONFLICT DO UPDATE SET n = excluded.n RETURNING k, n;
INSERT INTO entry (k, u, n) VALUES ('a', 2, 5) ON CONFLICT (k, s) DO UPDATE SET n = excluded.n;
INSERT INTO entry (k, u, n) VALUES ('a', 8, 5) ON CONFLICT (k, s) DO UPDATE SET u = 2;

-- rows of one statement meet each other
INSERT INTO entry (k, n) VALUES ('d', 1), ('d', 2), ('d', 3) ON CONFLICT (k, s) DO UPDATE SET n = n + excluded.n RETURNING k, n;
INSERT INTO entry (k, n) VALUES ('d', 1), ('e', 2), ('d', 3) ON CONFLICT (k, s) DO NOTHING RETURNING k;
INSERT INTO entry (k, u) VALUES ('d', 50), ('e', 50) ON CONFLICT (k, s) DO UPDATE SET n = 1;

-- INSERT ... SELECT, with CTEs before and inside
INSERT INTO entry (k, n) SELECT a, b FROM item WHERE true ON CONFLICT (k, s) DO UPDATE SET n = excluded.n RETURNING *;
INSERT INTO entry (k, n) SELECT k, n + 1 FROM entry WHERE s = 'f' ON CONFLICT (k, s) DO UPDATE SET n = excluded.n;
WITH new(x, y) AS (VALUES ('a', 1), ('z', 2)) INSERT INTO entry (k, n) SELECT x, y FROM new WHERE true ON CONFLICT (k, s) DO UPDATE SET n = excluded.n RETURNING k, s, n;
INSERT INTO entry (k, n) WITH new AS (SELECT 'z' x) SELECT x, 1 FROM new WHERE true ON CONFLICT DO NOTHING RETURNING k;
WITH o(y) AS (SELECT 5) INSERT INTO entry (k, n) WITH new AS (SELECT 'z' x) SELECT x, y FROM new, o WHERE true RETURNING k, n;
INSERT INTO entry (k, n) SELECT a, b FROM item WHERE false ON CONFLICT (k, s) DO UPDATE SET n = 1 RETURNING k;

-- plain INSERT ... RETURNING, computed columns, defaults, generated row ids
INSERT INTO entry (k) VALUES ('d') RETURNING *;
INSERT INTO entry (k) VALUES ('d'), ('e') RETURNING k || '-' || stamp AS label, length(s);
INSERT INTO item (a) VALUES ('p'), ('q') RETURNING id, a;
INSERT INTO item VALUES (NULL, 'p', 1), (9, 'q', 2) RETURNING *, id + 1 AS next;
INSERT INTO item DEFAULT VALUES RETURNING id;
INSERT INTO item (a, b) VALUES ('x', 7) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING id, b;
INSERT INTO item (id, a) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 77 RETURNING id, a;
INSERT INTO item (a) VALUES ('fresh') ON CONFLICT (a) DO NOTHING RETURNING id;

-- OR actions
INSERT OR IGNORE INTO item (a) VALUES ('x'), ('w') RETURNING id, a;
INSERT OR REPLACE INTO item (a, b) VALUES ('x', 7) RETURNING a, b;
REPLACE INTO item (id, a) VALUES (1, 'new') RETURNING *;
INSERT OR FAIL INTO item (a) VALUES ('v'), ('x'), ('w') RETURNING id;
INSERT OR ABORT INTO item (a) VALUES ('v'), ('x'), ('w') RETURNING id;
UPDATE OR REPLACE item SET a = 'y' WHERE id = 1 RETURNING *;

-- UPDATE ... RETURNING
UPDATE entry SET n = n + 1 WHERE s = 'f' RETURNING k, n;
UPDATE entry SET n = n + 1 RETURNING *;
UPDATE entry AS e SET n = e.n * 2 WHERE e.k IN ('a', 'b') RETURNING k, n;
UPDATE entry SET k = k || '!', s = 'z' WHERE k > 'a' RETURNING k, s;
UPDATE entry SET n = (SELECT sum(b) FROM item WHERE id <= coalesce(entry.u, 0)) RETURNING k, n;
UPDATE entry SET (n, stamp) = (SELECT id, a FROM item WHERE id = entry.u) RETURNING k, n, stamp;
UPDATE entry SET (n) = (5) RETURNING n;
UPDATE entry SET n = i.b FROM item AS i WHERE i.id = entry.u RETURNING k, n;
UPDATE entry SET n = i.b + j.b FROM item i JOIN item j ON j.id = i.id WHERE i.id = u RETURNING k, n;
UPDATE entry SET n = CASE WHEN n IS DISTINCT FROM 10 THEN 1 ELSE 0 END RETURNING n;
WITH big AS (SELECT k FROM entry WHERE n > 15) UPDATE entry SET n = 0 WHERE k IN (SELECT k FROM big) RETURNING k;
UPDATE entry SET u = 1 WHERE k = 'b' RETURNING k;
UPDATE entry SET u = coalesce(u, 0) + 10 WHERE k = 'b' RETURNING u AS changed;
UPDATE entry SET n = 1 WHERE k = 'nobody' RETURNING k, n;
UPDATE item SET id = id + 100 RETURNING id, a;

-- DELETE ... RETURNING
DELETE FROM entry WHERE n > 15 RETURNING k, n * 2 AS twice;
DELETE FROM entry RETURNING *;
DELETE FROM entry AS e WHERE e.k = 'a' RETURNING e.k, s;
DELETE FROM entry WHERE k IN (SELECT 'b') RETURNING k;
WITH gone(x) AS (VALUES ('a')) DELETE FROM entry WHERE k IN gone RETURNING k, s;
DELETE FROM entry WHERE k = 'nobody' RETURNING k;

-- what RETURNING asks of other rows is asked when the row is gone, those before it too
DELETE FROM entry WHERE k = 'b' RETURNING k, (SELECT count(*) FROM entry) AS left;
DELETE FROM entry RETURNING k, (SELECT min(k) || max(k) || count(*) FROM entry);
DELETE FROM entry WHERE k = 'a' RETURNING *, (SELECT max(n) FROM entry);
DELETE FROM entry WHERE k = 'a' RETURNING entry.n * (SELECT b FROM item WHERE id = entry.u), S;
DELETE FROM entry AS e WHERE e.k = 'a' RETURNING "entry"."k", EXISTS (SELECT 1 FROM entry WHERE k = 'a');
DELETE FROM entry WHERE k = 'b' RETURNING (SELECT n FROM entry AS other WHERE other.k = entry.k), n;
DELETE FROM entry WHERE k = 'a' RETURNING (SELECT 1 WHERE k = 'a'), upper(k) IN (SELECT 'A'), typeof(n);
DELETE FROM entry WHERE k = 'a' RETURNING n = '10', (SELECT count(*) FROM entry), entry.*, n || '', 2 * (SELECT 3);
DELETE FROM entry WHERE n > 15 RETURNING (SELECT min(k) FROM entry), k, (SELECT max(k) FROM entry) AS most, *;
DELETE FROM entry WHERE k = 'a' RETURNING (SELECT nope FROM entry);
DELETE FROM entry WHERE k = 'a' RETURNING (SELECT 1), ;
DELETE FROM entry WHERE k = 'a' RETURNING (SELECT 1), , n;
DELETE FROM entry WHERE k = 'a' RETURNING (SELECT e.k FROM item);

-- RETURNING names the table, never its alias
DELETE FROM entry AS e WHERE e.k = 'a' RETURNING entry.k, s;
WITH x(y) AS (SELECT 'a') DELETE FROM entry AS e WHERE e.k IN (SELECT y FROM x) RETURNING entry.k;
UPDATE entry AS e SET n = e.n + 1 RETURNING entry.k, n;
UPDATE entry AS e SET n = e.n + 1 RETURNING e.k;
INSERT INTO entry AS e (k) VALUES ('a'), ('z') ON CONFLICT (k, s) DO UPDATE SET n = e.n + 1 RETURNING entry.k, n;
DELETE FROM entry RETURNING (SELECT max(id) FROM item);
DELETE FROM entry RETURNING count(*);
UPDATE entry SET n = 1 RETURNING max(n);
INSERT INTO entry (k) VALUES ('d') RETURNING count(*);
DELETE FROM entry RETURNING entry.*;
UPDATE entry SET n = i.b FROM item AS i, item AS j WHERE i.id = entry.u AND j.id = i.id RETURNING k, n;
UPDATE entry SET n = i.b FROM (SELECT * FROM item) AS i WHERE i.id = entry.u RETURNING k, n;
UPDATE entry SET n = i.b FROM (SELECT id, b FROM item) AS i WHERE i.id = entry.u RETURNING k, n;
UPDATE entry SET n = i.b FROM (SELECT x.id, x.b FROM item x JOIN item y ON y.id = x.id) i WHERE i.id = entry.u RETURNING k, n;
UPDATE entry SET n = x.column2 FROM (VALUES ('a', 7), ('b', 8)) AS x WHERE x.column1 = k RETURNING k, n;
UPDATE entry SET n = i.b FROM (SELECT id, b FROM item) AS i, (SELECT 1, 2) WHERE i.id = entry.u RETURNING k, n;
UPDATE entry SET n = json_each.value FROM json_each('[5, 6]') WHERE json_each.id = u RETURNING k, n;
UPDATE entry SET n = i.b FROM item AS i WHERE i.id = entry.u RETURNING i.b;

-- refused by SQLite, hence here
INSERT INTO entry (k) VALUES ('a') ON CONFLICT (n) DO NOTHING;
INSERT INTO entry (k) VALUES ('a') ON CONFLICT (k, s) DO UPDATE SET nope = 1;
INSERT INTO entry (k) VALUES ('a') ON CONFLICT (k, s) DO UPDATE SET n = excluded.nope;
INSERT INTO entry (k) SELECT 'a' WHERE false ON CONFLICT (k, s) DO UPDATE SET n = nope;
INSERT INTO entry (nope) VALUES ('a') RETURNING k;
INSERT INTO entry (k) VALUES ('new') RETURNING nope;
INSERT INTO entry (k, n) VALUES ('a') RETURNING k;
INSERT INTO entry VALUES ('a') RETURNING k;
UPDATE entry SET nope = 1 RETURNING k;
UPDATE entry SET n = 1 WHERE k = 'nobody' RETURNING nope;
UPDATE entry SET (n, u) = (1) RETURNING k;
DELETE FROM entry WHERE nope RETURNING k;
DELETE FROM entry RETURNING k ORDER BY k;
DELETE FROM entry RETURNING;
UPDATE entry SET RETURNING k;
INSERT INTO entry (k) VALUES ('a') ON CONFLICT DO;

-- aggregates have no place here
INSERT INTO entry (k) VALUES ('new') ON CONFLICT (k, s) DO UPDATE SET n = max(n);
UPDATE entry SET n = count(*) RETURNING n;
DELETE FROM entry WHERE count(*) > 0 RETURNING n;
