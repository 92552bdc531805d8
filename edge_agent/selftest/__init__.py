"""Does this machine compute what the bundle's author did, and how fast?"""
