/* What needs no particular processor: which kind this is, and suppression. */

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* 4 with AVX-512, 3 with AVX2, 0 with neither. */
EXPORT int processor_kind(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
             ? 4
             : 3;
}

static float least(float a, float b) { return a < b ? a : b; }
static float most(float a, float b) { return a > b ? a : b; }

/* Greedy suppression of boxes (n, 4) in falling order of certainty; see ../nms.py.

   A box goes when one that stays, of its own group, overlaps it by more than `threshold`: common
   area by the union, or with `whole_pixels`, where lengths count both ends, by the smaller area.
   `kept` receives the numbers of those that stay; `areas` is memory for n numbers.

   Built without fused multiply-adds, so that it rounds as numpy does. */
EXPORT int64_t suppress(const float *boxes, const int64_t *groups, int64_t n, float threshold,
                        int whole_pixels, float *areas, int64_t *kept) {
  const float extra = whole_pixels ? 1.0f : 0.0f;
  int64_t n_kept = 0;
  for (int64_t i = 0; i < n; i++) {
    const float *a = boxes + 4 * i;
    areas[i] = (a[2] - a[0] + extra) * (a[3] - a[1] + extra);
    int64_t k = 0;
    for (; k < n_kept; k++) {
      int64_t j = kept[k];
      if (groups[i] != groups[j]) continue;
      const float *b = boxes + 4 * j;
      float width = most(least(a[2], b[2]) - most(a[0], b[0]) + extra, 0);
      float height = most(least(a[3], b[3]) - most(a[1], b[1]) + extra, 0);
      float common = width * height;
      float base = whole_pixels ? least(areas[i], areas[j]) : areas[i] + areas[j] - common;
      if (common / base > threshold) break;
    }
    if (k == n_kept) kept[n_kept++] = i;
  }
  return n_kept;
}
