"""What commands use to send code: ``capture`` takes a folder's commit, changes and files."""
