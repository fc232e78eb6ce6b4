"""The command line: each module reads words, asks the server or the agent, prints and exits.

``commands`` lists all commands with the module of each: ``NAME_arguments`` declares what a command
takes, ``NAME_command`` does it and gives the exit code. ``target`` finds the server and the tasks
that are meant, ``each`` does one thing to many tasks, ``things`` is the form of commands for
queues, workers and projects, ``output`` prints, and ``failure`` shows errors.
"""
