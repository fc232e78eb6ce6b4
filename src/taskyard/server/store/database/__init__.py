"""The two databases behind one small interface, their tables' shape, and moving what they hold."""
