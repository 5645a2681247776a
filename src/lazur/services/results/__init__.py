"""What came of jobs: their end, their files, their lineage and what they cost."""
