/* The three nets of MTCNN with their sampling, for one kind of processor; compiled once a kind.

   Plain convolutions over rows of channels-last float32. Each output is one chain of fused
   multiply-adds in the order of the weights, whatever the width of the vectors, so that both kinds
   of processor give the same bits.

   Weights come packed: for each layer a row of outputs, padded to PAD, for each kernel row, kernel
   column and input channel; then biases, then slopes of the PReLU where there is one. Pixels are
   means over whole bins, taken from a table of sums (an integral image).

   Where a pixel's channels do not fill its vectors, what spills into the next pixel is written
   before that pixel's own values, and rows end in PAD spare floats. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define EXPORT(name) __attribute__((visibility("default"))) JOIN(name, KIND)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

#define PAD 16
#define MAX_THREADS 64

/* TILE: pixels times vectors of accumulators that fit the registers, 32 of 16 lanes or 16 of 8. */
#if defined(__AVX512F__)
#define LANES 16
#define TILE(px512, vectors512, px256, vectors256) px512, vectors512
#define ALL(x) ((Lanes){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x})
#else
#define LANES 8
#define TILE(px512, vectors512, px256, vectors256) px256, vectors256
#define ALL(x) ((Lanes){x, x, x, x, x, x, x, x})
#endif

typedef float Lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t Mask __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t Four __attribute__((vector_size(16), aligned(4), may_alias));
typedef float FourFloats __attribute__((vector_size(16), aligned(4), may_alias));

INLINE Lanes load(const float *p) { return *(const Lanes *)p; }
INLINE void store(float *p, Lanes v) { *(Lanes *)p = v; }
INLINE Lanes choose(Mask where, Lanes yes, Lanes no) {
  return (Lanes)((where & (Mask)yes) | (~where & (Mask)no));
}
INLINE Lanes larger(Lanes a, Lanes b) { return choose(a > b, a, b); }

/* ---- Convolution ------------------------------------------------------------------------- */

typedef struct {
  int kernel, c_in, c_out, prelu;
} Shape;

typedef struct {
  const float *weights, *biases, *slopes;
} Layer;

INLINE int padded(int channels) { return (channels + PAD - 1) / PAD * PAD; }

INLINE Layer next_layer(const float **packed, Shape shape) {
  int n_out = padded(shape.c_out);
  Layer layer = {*packed, *packed + shape.kernel * shape.kernel * shape.c_in * n_out, 0};
  *packed = layer.biases + n_out;
  if (shape.prelu) {
    layer.slopes = *packed;
    *packed += n_out;
  }
  return layer;
}

/* n_px neighbouring pixels times n_vectors vectors of channels, from `first_vector` on. */
INLINE void convolve_tile(const float *const *rows, int at, Shape shape, Layer layer, int n_px,
                          int n_vectors, int first_vector, float *out, int out_step) {
  const int stride = padded(shape.c_out);
  const float *weights = layer.weights + first_vector * LANES;
  Lanes sums[32];
  UNROLL for (int p = 0; p < n_px; p++)
    UNROLL for (int v = 0; v < n_vectors; v++)
      sums[p * n_vectors + v] = load(layer.biases + (first_vector + v) * LANES);
  for (int y = 0; y < shape.kernel; y++) {
    const float *pixel = rows[y] + at * shape.c_in;
    for (int j = 0; j < shape.kernel * shape.c_in; j++, pixel++, weights += stride) {
      Lanes w[4];
      UNROLL for (int v = 0; v < n_vectors; v++) w[v] = load(weights + v * LANES);
      UNROLL for (int p = 0; p < n_px; p++) {
        float value = pixel[p * shape.c_in];
        Lanes x = ALL(value);
        UNROLL for (int v = 0; v < n_vectors; v++) sums[p * n_vectors + v] += x * w[v];
      }
    }
  }
  UNROLL for (int p = 0; p < n_px; p++)
    UNROLL for (int v = 0; v < n_vectors; v++) {
      Lanes sum = sums[p * n_vectors + v];
      if (shape.prelu)
        sum = choose(sum > ALL(0), sum, sum * load(layer.slopes + (first_vector + v) * LANES));
      store(out + (at + p) * out_step + (first_vector + v) * LANES, sum);
    }
}

/* One row of `width` outputs. Tiles at the end overlap those before, rather than being smaller. */
INLINE void convolve_row(const float *const *rows, Shape shape, Layer layer, int n_px,
                         int n_vectors, int width, float *out, int out_step) {
  if (width < n_px)
    for (int at = 0; at < width; at++)
      for (int v = padded(shape.c_out) / LANES - 1; v >= 0; v--)
        convolve_tile(rows, at, shape, layer, 1, 1, v, out, out_step);
  for (int at = 0; at < width && width >= n_px; at += n_px) {
    int from = at + n_px <= width ? at : width - n_px;
    for (int v = padded(shape.c_out) / LANES - n_vectors; v >= 0; v -= n_vectors)
      convolve_tile(rows, from, shape, layer, n_px, n_vectors, v, out, out_step);
  }
}

/* ---- Pooling: windows of 2 or 3, two apart, what is left of them at the border ------------- */

INLINE int pooled(int size, int window) { return (size - window + 1) / 2 + 1; }

INLINE void pool_row(const float *const *rows, int n_rows, int width, int window, int channels,
                     float *out) {
  int n_out = pooled(width, window);
  for (int x = 0; x < n_out; x++) {
    int n_columns = width - 2 * x < window ? width - 2 * x : window;
    for (int c = 0; c < channels; c += LANES) {
      Lanes best = load(rows[0] + 2 * x * channels + c);
      for (int y = 0; y < n_rows; y++)
        for (int j = 0; j < n_columns; j++)
          best = larger(load(rows[y] + (2 * x + j) * channels + c), best);
      store(out + x * channels + c, best);
    }
  }
}

/* ---- A square map through a layer, then through pooling where `window` is not 0 ------------ */

INLINE void square_layer(const float *in, int side, Shape shape, Layer layer, int n_px,
                         int n_vectors, int window, float *ring, float *out) {
  int size = side - shape.kernel + 1, done = 0;
  const int row = size * shape.c_out + PAD;
  const float *rows[3];
  int n_out = window ? pooled(size, window) : size;
  for (int q = 0; q < n_out; q++) {
    int last = !window ? q + 1 : 2 * q + window < size ? 2 * q + window : size;
    for (; done < last; done++) {
      for (int y = 0; y < shape.kernel; y++) rows[y] = in + (done + y) * side * shape.c_in;
      float *to = window ? ring + done % 3 * row : out + done * size * shape.c_out;
      convolve_row(rows, shape, layer, n_px, n_vectors, size, to, shape.c_out);
    }
    if (!window) continue;
    for (int y = 2 * q; y < last; y++) rows[y - 2 * q] = ring + y % 3 * row;
    pool_row(rows, last - 2 * q, size, window, shape.c_out, out + q * n_out * shape.c_out);
  }
}

/* ---- Pixels ------------------------------------------------------------------------------ */

typedef struct {
  const uint32_t *sums; /* (height + 1, width + 1, 3), one float to spare at the end */
  int height, width;
} Table;

/* Rows `from` to `to` of a box's n_rows x n_columns bins, as means: 3 floats a bin. */
INLINE void sample_rows(Table table, const int32_t *box, int n_columns, int n_rows, int from,
                        int to, int32_t *edges, float *shares, float *out, int out_row) {
  int64_t wide = box[2] - box[0], high = box[3] - box[1];
  for (int x = 0; x < n_columns; x++) {
    int64_t left = x * wide / n_columns, right = ((x + 1) * wide + n_columns - 1) / n_columns;
    edges[2 * x] = 3 * (int32_t)(box[0] + left);
    edges[2 * x + 1] = 3 * (int32_t)(box[0] + right);
    shares[x] = 1.0f / (float)(right - left);
  }
  for (int y = from; y < to; y++, out += out_row) {
    int64_t top = y * high / n_rows, bottom = ((y + 1) * high + n_rows - 1) / n_rows;
    const uint32_t *upper = table.sums + (box[1] + top) * 3 * (table.width + (int64_t)1);
    const uint32_t *lower = table.sums + (box[1] + bottom) * 3 * (table.width + (int64_t)1);
    float share = 1.0f / (float)(bottom - top);
    for (int x = 0; x < n_columns; x++) {
      const Four *a = (const Four *)(lower + edges[2 * x + 1]);
      const Four *b = (const Four *)(lower + edges[2 * x]);
      const Four *c = (const Four *)(upper + edges[2 * x + 1]);
      const Four *d = (const Four *)(upper + edges[2 * x]);
      FourFloats sum = __builtin_convertvector((*a - *c) - (*b - *d), FourFloats);
      FourFloats by_column = {shares[x], shares[x], shares[x], shares[x]};
      FourFloats by_row = {share, share, share, share};
      *(FourFloats *)(out + 3 * x) = sum * by_column * by_row;
    }
  }
}

/* ---- Threads ----------------------------------------------------------------------------- */

typedef struct Job Job;
struct Job {
  void (*run)(const Job *, int item, float *scratch);
  const void *task;
  int n_items;
  _Atomic int next;
};

typedef struct {
  Job *job;
  float *scratch;
} Worker;

static void *work(void *argument) {
  Worker *worker = argument;
  for (int item; (item = atomic_fetch_add(&worker->job->next, 1)) < worker->job->n_items;)
    worker->job->run(worker->job, item, worker->scratch);
  return 0;
}

static void share_out(Job *job, int n_threads, float *scratch, int64_t scratch_each) {
  Worker workers[MAX_THREADS];
  pthread_t threads[MAX_THREADS];
  int started = 1;
  if (n_threads > MAX_THREADS) n_threads = MAX_THREADS;
  for (int i = 0; i < n_threads; i++) workers[i] = (Worker){job, scratch + i * scratch_each};
  while (started < n_threads && started < job->n_items &&
         pthread_create(&threads[started], 0, work, &workers[started]) == 0)
    started++;
  work(&workers[0]);
  while (--started > 0) pthread_join(threads[started], 0);
}

/* ---- P-Net ------------------------------------------------------------------------------- */

#define P1 ((Shape){3, 3, 10, 1})
#define P2 ((Shape){3, 10, 16, 1})
#define P3 ((Shape){3, 16, 32, 1})
#define P4 ((Shape){1, 32, 5, 0})

typedef struct {
  Table table;
  const float *packed;
  const int32_t *bands; /* (n, 5): height and width of a level, first row of cells, one after the
                           last, cells of all levels before */
  int n_cells;
  float *out; /* (5, n_cells) */
} Proposal;

/* What one band needs in floats, for levels of this width. */
int64_t EXPORT(propose_scratch)(int width) {
  return (int64_t)width * (2 + 1 + 4 * 3 + 2 * 10 + 3 * 10 + 3 * 16 + 32 + 16) + 32 * PAD;
}

static void propose_band(const Job *job, int item, float *scratch) {
  const Proposal *task = job->task;
  const int32_t *band = task->bands + 5 * item;
  const int height = band[0], width = band[1], from = band[2], to = band[3];
  const int wide1 = width - 2, wide2 = pooled(wide1, 2), wide3 = wide2 - 2, wide4 = wide3 - 2;
  const int32_t whole[4] = {0, 0, task->table.width, task->table.height};
  const float *packed = task->packed;
  Layer l1 = next_layer(&packed, P1), l2 = next_layer(&packed, P2);
  Layer l3 = next_layer(&packed, P3), l4 = next_layer(&packed, P4);

  int32_t *edges = (int32_t *)scratch;
  float *shares = scratch + 2 * width;
  float *pixels = shares + width;                   /* 4 rows */
  float *maps1 = pixels + 4 * (3 * width + PAD);  /* 2 rows */
  float *maps2 = maps1 + 2 * (10 * width + PAD);  /* 3 rows, pooled */
  float *maps3 = maps2 + 3 * (10 * width + PAD);  /* 3 rows */
  float *maps4 = maps3 + 3 * (16 * width + PAD);  /* 1 row */
  float *heads = maps4 + (32 * width + PAD);      /* 1 row */
#define ROW(buffer, channels, n, y) ((buffer) + (y) % (n) * ((channels) * width + PAD))

  int sampled = 2 * from;
  for (int q = from; q < to + 4; q++) {
    const float *rows[3];
    int last = 2 * q + 4 < height ? 2 * q + 4 : height;
    for (; sampled < last; sampled++)
      sample_rows(task->table, whole, width, height, sampled, sampled + 1, edges, shares,
                  ROW(pixels, 3, 4, sampled), 0);
    int n_rows = height - 2 - 2 * q < 2 ? height - 2 - 2 * q : 2;
    for (int i = 0; i < n_rows; i++) {
      for (int y = 0; y < 3; y++) rows[y] = ROW(pixels, 3, 4, 2 * q + i + y);
      convolve_row(rows, P1, l1, TILE(12, 1, 6, 2), wide1, ROW(maps1, 10, 2, i), 10);
    }
    for (int y = 0; y < 2; y++) rows[y] = ROW(maps1, 10, 2, y);
    pool_row(rows, n_rows, wide1, 2, 10, ROW(maps2, 10, 3, q));

    if (q < from + 2) continue;
    for (int y = 0; y < 3; y++) rows[y] = ROW(maps2, 10, 3, q - 2 + y);
    convolve_row(rows, P2, l2, TILE(12, 1, 6, 2), wide3, ROW(maps3, 16, 3, q - 2), 16);

    if (q < from + 4) continue;
    for (int y = 0; y < 3; y++) rows[y] = ROW(maps3, 16, 3, q - 4 + y);
    convolve_row(rows, P3, l3, TILE(12, 2, 3, 4), wide4, maps4, 32);
    rows[0] = maps4;
    convolve_row(rows, P4, l4, TILE(12, 1, 6, 2), wide4, heads, PAD);
    float *out = task->out + band[4] + (q - 4) * wide4;
    for (int c = 0; c < 5; c++)
      for (int x = 0; x < wide4; x++) out[(int64_t)c * task->n_cells + x] = heads[x * PAD + c];
  }
}

void EXPORT(propose)(const uint32_t *sums, int height, int width, const float *packed,
                     const int32_t *bands, int n_bands, int n_cells, float *out, int n_threads,
                     float *scratch, int64_t scratch_each) {
  Proposal task = {{sums, height, width}, packed, bands, n_cells, out};
  Job job = {propose_band, &task, n_bands, 0};
  share_out(&job, n_threads, scratch, scratch_each);
}

/* ---- R-Net and O-Net: boxes in groups, so that the last layers' weights are read once a group - */

typedef struct {
  Table table;
  const float *packed;
  const int32_t *boxes; /* (n, 4) */
  int n_boxes, per_group;
  float *out; /* (n, 16) */
} Look;

#define GROUP 8

INLINE void dense(Layer layer, Shape shape, const float *from, float *to) {
  const float *rows[1] = {from};
  convolve_row(rows, shape, layer, TILE(8, 1, 4, 2), GROUP, to, padded(shape.c_out));
}

#define R1 ((Shape){3, 3, 28, 1})
#define R2 ((Shape){3, 28, 48, 1})
#define R3 ((Shape){2, 48, 64, 1})
#define R4 ((Shape){1, 576, 128, 1})
#define R5 ((Shape){1, 128, 5, 0})

static void refine_group(const Job *job, int item, float *scratch) {
  const Look *task = job->task;
  const float *packed = task->packed;
  Layer l1 = next_layer(&packed, R1), l2 = next_layer(&packed, R2), l3 = next_layer(&packed, R3);
  Layer l4 = next_layer(&packed, R4), l5 = next_layer(&packed, R5);
  int32_t *edges = (int32_t *)scratch;
  float *shares = scratch + 64;
  float *pixels = shares + 64;                   /* 24 x 24 x 3 */
  float *ring = pixels + 24 * 24 * 3 + PAD;    /* 3 rows of 22 x 28 or 9 x 48 */
  float *maps1 = ring + 3 * (22 * 28 + PAD);   /* 11 x 11 x 28 */
  float *maps2 = maps1 + 11 * 11 * 28 + PAD;   /* 4 x 4 x 48 */
  float *maps3 = maps2 + 4 * 4 * 48 + PAD;     /* GROUP x 3 x 3 x 64 */
  float *maps4 = maps3 + GROUP * 576 + PAD;    /* GROUP x 128 */
  float *heads = maps4 + GROUP * 128 + PAD;    /* GROUP x 16 */
  int first = item * task->per_group, left = task->n_boxes - first;
  int n = left < task->per_group ? left : task->per_group;
  for (int i = 0; i < n; i++) {
    sample_rows(task->table, task->boxes + 4 * (first + i), 24, 24, 0, 24, edges, shares, pixels,
                24 * 3);
    square_layer(pixels, 24, R1, l1, TILE(11, 2, 6, 2), 3, ring, maps1);
    square_layer(maps1, 11, R2, l2, TILE(9, 3, 3, 3), 3, ring, maps2);
    square_layer(maps2, 4, R3, l3, TILE(3, 4, 3, 4), 0, 0, maps3 + i * 576);
  }
  dense(l4, R4, maps3, maps4);
  dense(l5, R5, maps4, heads);
  memcpy(task->out + first * PAD, heads, sizeof(float) * PAD * n);
}

#define O1 ((Shape){3, 3, 32, 1})
#define O2 ((Shape){3, 32, 64, 1})
#define O3 ((Shape){3, 64, 64, 1})
#define O4 ((Shape){2, 64, 128, 1})
#define O5 ((Shape){1, 1152, 256, 1})
#define O6 ((Shape){1, 256, 15, 0})

static void decide_group(const Job *job, int item, float *scratch) {
  const Look *task = job->task;
  const float *packed = task->packed;
  Layer l1 = next_layer(&packed, O1), l2 = next_layer(&packed, O2), l3 = next_layer(&packed, O3);
  Layer l4 = next_layer(&packed, O4), l5 = next_layer(&packed, O5), l6 = next_layer(&packed, O6);
  int32_t *edges = (int32_t *)scratch;
  float *shares = scratch + 128;
  float *pixels = shares + 64;                   /* 48 x 48 x 3 */
  float *ring = pixels + 48 * 48 * 3 + PAD;    /* 3 rows of 46 x 32, 21 x 64 or 8 x 64 */
  float *maps1 = ring + 3 * (46 * 32 + PAD);   /* 23 x 23 x 32 */
  float *maps2 = maps1 + 23 * 23 * 32 + PAD;   /* 10 x 10 x 64 */
  float *maps3 = maps2 + 10 * 10 * 64 + PAD;   /* 4 x 4 x 64 */
  float *maps4 = maps3 + 4 * 4 * 64 + PAD;     /* GROUP x 3 x 3 x 128 */
  float *maps5 = maps4 + GROUP * 1152 + PAD;   /* GROUP x 256 */
  float *heads = maps5 + GROUP * 256 + PAD;    /* GROUP x 16 */
  int first = item * task->per_group, left = task->n_boxes - first;
  int n = left < task->per_group ? left : task->per_group;
  for (int i = 0; i < n; i++) {
    sample_rows(task->table, task->boxes + 4 * (first + i), 48, 48, 0, 48, edges, shares, pixels,
                48 * 3);
    square_layer(pixels, 48, O1, l1, TILE(12, 2, 6, 2), 3, ring, maps1);
    square_layer(maps1, 23, O2, l2, TILE(11, 2, 3, 4), 3, ring, maps2);
    square_layer(maps2, 10, O3, l3, TILE(8, 2, 4, 2), 2, ring, maps3);
    square_layer(maps3, 4, O4, l4, TILE(3, 4, 3, 4), 0, 0, maps4 + i * 1152);
  }
  dense(l5, O5, maps4, maps5);
  dense(l6, O6, maps5, heads);
  memcpy(task->out + first * PAD, heads, sizeof(float) * PAD * n);
}

/* What a group needs in floats, for either net. */
int64_t EXPORT(look_scratch)(void) { return 49152; }

static void look(void (*run)(const Job *, int, float *), Look task, int n_threads, float *scratch,
                 int64_t scratch_each) {
  /* As many groups for one thread as for another. */
  int rounds = (task.n_boxes + GROUP * n_threads - 1) / (GROUP * n_threads);
  task.per_group = (task.n_boxes + rounds * n_threads - 1) / (rounds * n_threads);
  Job job = {run, &task, (task.n_boxes + task.per_group - 1) / task.per_group, 0};
  share_out(&job, n_threads, scratch, scratch_each);
}

void EXPORT(refine)(const uint32_t *sums, int height, int width, const float *packed,
                    const int32_t *boxes, int n_boxes, float *out, int n_threads, float *scratch,
                    int64_t scratch_each) {
  Look task = {{sums, height, width}, packed, boxes, n_boxes, 0, out};
  look(refine_group, task, n_threads, scratch, scratch_each);
}

void EXPORT(decide)(const uint32_t *sums, int height, int width, const float *packed,
                    const int32_t *boxes, int n_boxes, float *out, int n_threads, float *scratch,
                    int64_t scratch_each) {
  Look task = {{sums, height, width}, packed, boxes, n_boxes, 0, out};
  look(decide_group, task, n_threads, scratch, scratch_each);
}
