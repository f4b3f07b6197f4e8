"""The test runners of the ecosystems: how a commit is tested, and how each test is told as it ends."""
