/* What needs no particular processor: which kind this is, and suppression. */

#include <cpuid.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* 4 with AVX-512, 3 with AVX2, 0 with neither, for processor and system alike. By hand, because not
   every compiler's __builtin_cpu_supports works in a library of its own (zig 0.17: always 0). */
EXPORT int processor_kind(void) {
  const unsigned fma = 1u << 12, xsave = 1u << 27, avx2 = 1u << 5;
  const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
  unsigned a, b, c, d, saved, upper;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & fma) || !(c & xsave)) return 0;
  __asm__("xgetbv" : "=a"(saved), "=d"(upper) : "c"(0));
  if ((saved & 0x06) != 0x06 || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & avx2)) return 0;
  return (saved & 0xe6) == 0xe6 && (b & avx512) == avx512 ? 4 : 3;
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
