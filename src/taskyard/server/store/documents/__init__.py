"""The objects of the API as rows and JSON: finding, projecting and changing any kind of them."""
