"""What the codecs' tests share."""

from hypothesis import settings

# A busy machine makes one slow example, which says nothing about a codec.
settings.register_profile("codecs", deadline=None)
settings.load_profile("codecs")
