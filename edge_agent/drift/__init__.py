"""Is the site still what it was calibrated to, and if not, what has changed?"""
