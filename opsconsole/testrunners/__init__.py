"""Test runners by ecosystem: detecting how a commit is tested, and reporting each test as it ends."""
