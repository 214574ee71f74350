"""Imported by a fork server before all else: the kernel ends it with its parent."""

import os

from chassis.death_signal import die_with_parent

die_with_parent(os.getppid())
