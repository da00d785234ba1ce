"""What can be done with libraries, assets and tags, on every face alike."""
