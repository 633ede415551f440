"""The tree of divisions as every request asks for it: names, search, match, borders."""
