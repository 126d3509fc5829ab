// Preloaded into one node: its wall clock is off by as many seconds as the file in SHIFTED_CLOCK says, and may jump at any moment.
// The clocks that only count on are left alone, as a wrong or leaping wall clock leaves them alone. Asks the kernel directly:
// allocators ask for the time before libraries can be looked up in.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void) {
  static __thread long last_look, seconds;
  static const char* path;
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &now);
  const long tenths = now.tv_sec * 10 + now.tv_nsec / 100000000 + 1;
  if (tenths == last_look)
    return seconds;
  last_look = tenths;
  if (path == NULL && (path = getenv("SHIFTED_CLOCK")) == NULL)
    return 0;
  char text[32] = {0};
  const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    if (syscall(SYS_read, file, text, sizeof text - 1) > 0)
      seconds = atol(text);
    syscall(SYS_close, file);
  }
  return seconds;
}

int clock_gettime(clockid_t which, struct timespec* out) {
  const int result = (int)syscall(SYS_clock_gettime, which, out);
  if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE || which == CLOCK_TAI))
    out->tv_sec += shift();
  return result;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  const int result = (int)syscall(SYS_gettimeofday, out, zone);
  if (result == 0)
    out->tv_sec += shift();
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL)
    *out = now.tv_sec;
  return now.tv_sec;
}
