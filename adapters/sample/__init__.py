"""The sample data: a small fictional retailer; README.md beside it describes the content."""
