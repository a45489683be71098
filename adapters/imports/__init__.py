"""The retailer's own files, read line by line."""
