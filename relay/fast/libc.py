"""The calls of the C library that compiled code makes.

Pointers are plain numbers: bounds checks do not cover what the kernel does with them.
"""

from relay.fast.compiling import external

recvmmsg = external("recvmmsg", "int32", "int32", "uintp", "uint32", "int32", "uintp")
sendmmsg = external("sendmmsg", "int32", "int32", "uintp", "uint32", "int32")
poll = external("poll", "int32", "uintp", "uint64", "int32")
usleep = external("usleep", "int32", "uint32")
clock_gettime = external("clock_gettime", "int32", "int32", "uintp")
pthread_mutex_init = external("pthread_mutex_init", "int32", "uintp", "uintp")
pthread_mutex_lock = external("pthread_mutex_lock", "int32", "uintp")
pthread_mutex_unlock = external("pthread_mutex_unlock", "int32", "uintp")
errno_location = external("__errno_location", "int32*")

MSG_DONTWAIT = 0x40
MSG_TRUNC = 0x20
EINTR = 4
EAGAIN = 11
CLOCK_MONOTONIC = 1
POLLIN = 1
