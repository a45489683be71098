"""The main job told as a story: a client of the public API that shows what it asks and is told."""
