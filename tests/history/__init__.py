"""What history answers: checkpoints, revisions, time travel, differences, blame, undo."""
