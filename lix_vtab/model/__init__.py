"""Values of the domain: canonical JSON, ids, time, entity keys. Imports nothing of ours."""
