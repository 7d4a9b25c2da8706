// The same backend as relu_matmul.cpp, in C: relu, matrix products in f32, and product + relu as one kernel.
//   cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden relu_matmul_c.c -o relu_matmul_c.so
//   PLEXUS_BACKEND_PATH=$PWD plexus plan --backend relu_matmul_c
#include <plexus/backends/abi/plexus_backend.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct Kernel {
  const plexus_host* host;  // lives until destroy, and kernels are released before
  bool has_product, has_relu;
  plexus_matmul product;
  plexus_activation activation;
} Kernel;

// What a piece of a parallel loop needs.
typedef struct Work {
  const Kernel* kernel;
  const float *a, *b, *bias;
  float* c;
  int64_t k;
} Work;

static float relu(float x) { return x > 0 ? x : x == x ? 0 : x; }  // NaN stays NaN

static plexus_status relu_piece(void* argument, int64_t begin, int64_t end) {
  const Work* w = argument;
  for (int64_t i = begin; i < end; i++) w->c[i] = relu(w->a[i]);
  return PLEXUS_OK;
}

// Rows [begin, end) of c = op(a) op(b) + bias, in the order of k.
static plexus_status product_piece(void* argument, int64_t begin, int64_t end) {
  const Work* w = argument;
  const plexus_matmul* s = &w->kernel->product;
  const int64_t ldc = w->kernel->has_relu ? s->n : s->ldc;
  for (int64_t i = begin; i < end; i++) {
    float* row = w->c + i * ldc;
    for (int64_t j = 0; j < s->n; j++) {
      float sum = s->accumulate ? row[j] : s->bias ? w->bias[j] : 0;
      for (int64_t p = 0; p < w->k; p++) {
        const float a = w->a[s->form == PLEXUS_TN ? p * s->lda + i : i * s->lda + p];
        const float b = w->b[s->form == PLEXUS_NT ? j * s->ldb + p : p * s->ldb + j];
        sum += a * b;
      }
      row[j] = w->kernel->has_relu ? relu(sum) : sum;
    }
  }
  return PLEXUS_OK;
}

static plexus_status run(const void* kernel, void* const* buffers, const plexus_call* call) {
  const Kernel* k = kernel;
  const plexus_host* host = k->host;
  if (!k->has_product) {
    const plexus_activation* s = &k->activation;
    Work work = {.kernel = k, .a = buffers[PLEXUS_ACTIVATION_X], .c = buffers[PLEXUS_ACTIVATION_Y]};
    const int64_t rows = s->batch == PLEXUS_BATCH_M ? call->rows : s->m;
    // An element costs about a nanosecond; a piece should take twenty microseconds.
    return host->parallel_for(host->self, rows * s->n, 16384, relu_piece, &work);
  }
  const plexus_matmul* s = &k->product;
  Work work = {.kernel = k,
               .a = buffers[PLEXUS_MATMUL_A],
               .b = buffers[PLEXUS_MATMUL_B],
               .bias = buffers[PLEXUS_MATMUL_BIAS],
               // What is internal to a fused kernel has no address: the result goes where the activation would put it.
               .c = buffers[k->has_relu ? PLEXUS_MATMUL_SLOTS + PLEXUS_ACTIVATION_Y : PLEXUS_MATMUL_C],
               .k = s->batch == PLEXUS_BATCH_K ? call->rows : s->k};
  const int64_t rows = s->batch == PLEXUS_BATCH_M ? call->rows : s->m;
  return host->parallel_for(host->self, rows, 1, product_piece, &work);
}

// The spec of an operation where it is of this family, f32, and whole: NULL otherwise.
static const plexus_matmul* product_of(const plexus_operation* operation) {
  const plexus_matmul* s = operation->spec;
  if (operation->family != PLEXUS_MATMUL || s->struct_size < sizeof *s) return NULL;
  return s->a_type == PLEXUS_F32 && s->b_type == PLEXUS_F32 && s->c_type == PLEXUS_F32 ? s : NULL;
}
static const plexus_activation* relu_of(const plexus_operation* operation) {
  const plexus_activation* s = operation->spec;
  if (operation->family != PLEXUS_ACTIVATION || s->struct_size < sizeof *s) return NULL;
  return s->kind == PLEXUS_RELU && s->dtype == PLEXUS_F32 ? s : NULL;
}

static int32_t takes(void* self, const plexus_operation* const* operations, int32_t count) {
  (void)self;
  if (relu_of(operations[0])) return 1;
  const plexus_matmul* product = product_of(operations[0]);
  if (!product) return 0;
  if (count < 2 || !relu_of(operations[1]) || product->accumulate) return 1;
  // A relu of the product, which nobody else reads: both as one. The wiring decides, not the order of operations.
  const plexus_tensor* c = operations[0]->tensors[PLEXUS_MATMUL_C];
  const plexus_tensor* x = operations[1]->tensors[PLEXUS_ACTIVATION_X];
  return x->buffer == c->buffer && c->last_use < 2 ? 2 : 1;
}

static plexus_status prepare(void* self, const plexus_operation* const* operations, int32_t count, void** kernel) {
  const plexus_host* host = self;
  Kernel* k = calloc(1, sizeof *k);
  if (!k) return host->error(host->self, PLEXUS_OUT_OF_MEMORY, "no memory for a kernel");
  k->host = host;
  const plexus_matmul* product = product_of(operations[0]);
  const plexus_activation* activation = relu_of(operations[count - 1]);
  if (product) k->product = *product;
  if (activation) k->activation = *activation;
  k->has_product = product != NULL;
  k->has_relu = activation != NULL;
  *kernel = k;
  return PLEXUS_OK;
}

static const char* describe(const void* kernel) {
  const Kernel* k = kernel;
  return !k->has_product ? "plain loop in C" : k->has_relu ? "plain loops in C, relu inside" : "plain loops in C";
}

// An instance needs nothing but its host.
static plexus_status create(const plexus_host* host, void** self) {
  *self = (void*)host;
  return PLEXUS_OK;
}
static void destroy(void* self) { (void)self; }

static const plexus_backend table = {.struct_size = sizeof(plexus_backend),
                                     .major = PLEXUS_ABI_MAJOR,
                                     .minor = PLEXUS_ABI_MINOR,
                                     .name = "relu_matmul_c",
                                     .create = create,
                                     .destroy = destroy,
                                     .takes = takes,
                                     .prepare = prepare,
                                     .run = run,
                                     .release = free,
                                     .describe = describe,
                                     .version = "1",
                                     .description = "an example in C: relu and matrix products"};

const plexus_backend* plexus_backend_open_v1(const plexus_host* host) {
  (void)host;
  return &table;
}
