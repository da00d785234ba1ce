"""One module for each way to read a file: its ``open_file`` returns an ``Opened`` or raises ``BadUserInput``.

Only the one that a file needs is imported, since each brings a library with it.
"""
