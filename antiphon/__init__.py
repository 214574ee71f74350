"""The command line: `antiphon up | call | keys | doctor`.

It starts the tiers as processes and calls them over their public interfaces;
it imports none of them.
"""
