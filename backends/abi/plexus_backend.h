// The backend ABI of Plexus, version 1: all that a kernel backend outside of Plexus needs, in C11. A plugin is a shared object
// <name>.so that exports plexus_backend_open_v1 and nothing else of ours; it links nothing of ours. plexus_backend.hpp makes
// one from a C++ class. What operations compute: core/spec/*.h and docs/semantics.md.
//
// Rules
// * Every struct starts with its size. Members are only ever appended: a reader takes what lies within struct_size, all
//   beyond is absent (zero). Values of enumerations are only ever appended: a backend does not take what it does not know.
//   Plexus never offers an operation whose meaning needs a member newer than the backend's minor version.
// * No exception, allocation or C++ type crosses the border. Memory is released by the side that allocated it.
// * Pointers that a function gets are valid during the call, unless a comment says more. The host of `create` lives
//   until `destroy`. Strings are UTF-8.
// * A function that returns a plexus_status calls host->error first to say why: `return host->error(host->self, ...)`.
// * `takes` and `run` are called by many threads at once, `run` with one workspace a thread.
// * Kernels never allocate per run, write only to outputs, and leave floating-point modes as they were. Their loops run on
//   host->parallel_for; a backend that starts threads of its own says so in `flags`.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLEXUS_ABI_MAJOR 1 /* another one breaks: it has another entry symbol */
#define PLEXUS_ABI_MINOR 1 /* appended to; 1: more kinds of update, their penalties and clip_value, max norm */
#define PLEXUS_PLUGIN_EXPORT __attribute__((visibility("default")))

typedef int32_t plexus_status;
enum {
  PLEXUS_OK = 0,
  PLEXUS_UNSUPPORTED = 1,  // from prepare: not this one after all; somebody else runs it. Anywhere else an error
  PLEXUS_INVALID_ARGUMENT = 2,
  PLEXUS_OUT_OF_MEMORY = 3,
  PLEXUS_FAILED = 4  // any other error; after one of these the backend is not used again
};

// ---- What a computation is ------------------------------------------------------------------------------------------------

enum { PLEXUS_F32, PLEXUS_F64, PLEXUS_I32, PLEXUS_I64, PLEXUS_U8, PLEXUS_BF16, PLEXUS_I8 };  // element types
enum { PLEXUS_IN, PLEXUS_OUT, PLEXUS_INOUT };                                               // access
enum { PLEXUS_BATCH_NONE, PLEXUS_BATCH_M, PLEXUS_BATCH_K };  // the dimension whose true size is plexus_call.rows
enum { PLEXUS_MEMORY_HOST = 0 };                             // memory spaces; others are reserved
enum { PLEXUS_TENSOR_BATCH = 1 };                            // flags of a tensor: size[0] is a maximum
#define PLEXUS_USED_ELSEWHERE INT32_MAX

// What one slot of an operation reads or writes. Row-major; all sizes and strides in elements.
typedef struct plexus_tensor {
  uint32_t struct_size;
  int32_t buffer;    // identity: equal numbers are the same memory. Follow these, not the order of families
  int32_t last_use;  // the last of the offered operations that touches it, or PLEXUS_USED_ELSEWHERE. A kernel of the
                     // first n operations need not write it where last_use < n; its address then is NULL
  uint8_t dtype, access, memory, rank;
  uint32_t flags, reserved;
  int64_t size[8], stride[8];  // [rank]; those of the spec, at the maximum of the batch
} plexus_tensor;

// Families; each with its struct and its slots, in the order of the addresses that `run` gets.
enum {
  PLEXUS_MATMUL, PLEXUS_ACTIVATION, PLEXUS_ACTIVATION_GRADIENT, PLEXUS_LOSS, PLEXUS_DROPOUT, PLEXUS_REDUCE, PLEXUS_CLIP,
  PLEXUS_SCALE, PLEXUS_UPDATE,
  PLEXUS_MAX_NORM  // minor 1
};

// c = op(a) op(b) + bias; accumulate: the chain of additions starts at the old c. nn: c[m,n] = a[m,k] b[k,n],
// nt: b[n,k], tn: a[k,m]. k = 0 still writes.
enum { PLEXUS_NN, PLEXUS_NT, PLEXUS_TN };
enum { PLEXUS_MATMUL_A, PLEXUS_MATMUL_B, PLEXUS_MATMUL_BIAS, PLEXUS_MATMUL_C, PLEXUS_MATMUL_SLOTS };
typedef struct plexus_matmul {
  uint32_t struct_size;
  uint8_t form, batch, bias, accumulate;
  int64_t m, n, k;
  int64_t lda, ldb, ldc;  // from row to row, never 0
  uint8_t a_type, b_type, c_type, reserved[5];  // the bias has the type of c
} plexus_matmul;

// y = f(x), m rows of n; softmax and log-softmax over each row.
enum {
  PLEXUS_RELU, PLEXUS_LEAKY_RELU, PLEXUS_ELU, PLEXUS_SELU, PLEXUS_GELU, PLEXUS_GELU_TANH, PLEXUS_SILU, PLEXUS_SIGMOID,
  PLEXUS_TANH, PLEXUS_SOFTPLUS, PLEXUS_SOFTMAX, PLEXUS_LOG_SOFTMAX
};
enum { PLEXUS_ACTIVATION_X, PLEXUS_ACTIVATION_Y, PLEXUS_ACTIVATION_SLOTS };
typedef struct plexus_activation {
  uint32_t struct_size;
  uint8_t kind, batch, dtype, reserved;
  int64_t m, n;
  double alpha;  // leaky_relu: the slope below 0; elu: the limit; otherwise 0
} plexus_activation;

// dx = dy f'(x); saved is x for gelu, gelu_tanh, silu and softplus, otherwise y.
enum { PLEXUS_GRADIENT_DY, PLEXUS_GRADIENT_SAVED, PLEXUS_GRADIENT_DX, PLEXUS_GRADIENT_SLOTS };
typedef struct plexus_activation_gradient {
  uint32_t struct_size;
  uint8_t kind, batch, dtype, reserved;
  int64_t m, n;
  double alpha;
} plexus_activation_gradient;

// Value and gradient in one pass. target: i32 [m,1] for softmax cross entropy, else [m,n]. scale absent: 1 / rows.
enum {
  PLEXUS_MSE, PLEXUS_MAE, PLEXUS_HUBER, PLEXUS_BINARY_CROSS_ENTROPY, PLEXUS_SOFTMAX_CROSS_ENTROPY,
  PLEXUS_SOFTMAX_CROSS_ENTROPY_ONE_HOT
};
enum {
  PLEXUS_LOSS_PREDICTION, PLEXUS_LOSS_TARGET, PLEXUS_LOSS_CLASS_WEIGHTS, PLEXUS_LOSS_SAMPLE_WEIGHTS, PLEXUS_LOSS_SCALE,
  PLEXUS_LOSS_GRADIENT, PLEXUS_LOSS_VALUE, PLEXUS_LOSS_SLOTS
};
typedef struct plexus_loss {
  uint32_t struct_size;
  uint8_t kind, batch, dtype, gradient;  // gradient 0: the value alone
  int64_t m, n;
  double delta;  // huber
  uint8_t class_weights, sample_weights, reserved[6];
} plexus_loss;

// y[i] = x[i] / (1 - rate) where host->uniform(seed, stream, step, i) >= rate, else 0; i = row * n + column.
enum { PLEXUS_DROPOUT_X, PLEXUS_DROPOUT_SEED, PLEXUS_DROPOUT_STEP, PLEXUS_DROPOUT_Y, PLEXUS_DROPOUT_SLOTS };  // seed, step: one i64
typedef struct plexus_dropout {
  uint32_t struct_size;
  uint8_t batch, dtype, reserved[2];
  int64_t m, n;
  float rate;
  uint32_t stream;
} plexus_dropout;

// x[m,n] to y: column_sum [1,n], row_sum [m,1], sum_squares f64 [1,1], argmax i32 [m,1].
enum { PLEXUS_COLUMN_SUM, PLEXUS_ROW_SUM, PLEXUS_SUM_SQUARES, PLEXUS_ARGMAX };
enum { PLEXUS_REDUCE_X, PLEXUS_REDUCE_Y, PLEXUS_REDUCE_SLOTS };
typedef struct plexus_reduce {
  uint32_t struct_size;
  uint8_t kind, batch, dtype, accumulate;
  int64_t m, n;
} plexus_reduce;

// factor = min(1, limit / (sqrt(sum_squares) + 1e-6)); sum_squares is f64.
enum { PLEXUS_CLIP_SUM_SQUARES, PLEXUS_CLIP_FACTOR, PLEXUS_CLIP_SLOTS };
typedef struct plexus_clip {
  uint32_t struct_size;
  uint8_t dtype, reserved[3];
  double limit;
} plexus_clip;

// y[i,j] = (x[i,j] - offset[j]) * scale[j]; offset 0: no offset.
enum { PLEXUS_SCALE_X, PLEXUS_SCALE_OFFSET, PLEXUS_SCALE_SCALE, PLEXUS_SCALE_Y, PLEXUS_SCALE_SLOTS };
typedef struct plexus_scale {
  uint32_t struct_size;
  uint8_t batch, dtype, offset, reserved;
  int64_t m, n;
} plexus_scale;

// One optimizer step over a parameter of m * n elements, in place; formulas in core/spec/update.h. Unused numbers are 0.
enum {
  PLEXUS_SGD, PLEXUS_ADAM, PLEXUS_ADAMW, PLEXUS_RMSPROP, PLEXUS_ADAGRAD,
  PLEXUS_ADAMAX, PLEXUS_NADAM, PLEXUS_RADAM, PLEXUS_ADADELTA  // minor 1
};
enum {
  PLEXUS_UPDATE_PARAMETER, PLEXUS_UPDATE_GRADIENT, PLEXUS_UPDATE_FIRST, PLEXUS_UPDATE_SECOND, PLEXUS_UPDATE_LEARNING_RATE,
  PLEXUS_UPDATE_STEP, PLEXUS_UPDATE_SCALE, PLEXUS_UPDATE_SLOTS  // step: one i64; scale may be absent
};
typedef struct plexus_update {
  uint32_t struct_size;
  uint8_t kind, dtype, nesterov, reserved;
  int64_t m, n;
  double momentum, weight_decay, beta1, beta2, epsilon;
  double momentum_decay, l1, l2, clip_value;  // minor 1; momentum_decay: nadam
} plexus_update;

// In place: every column of m numbers whose norm is above the limit is multiplied by limit / (norm + 1e-7). Minor 1.
enum { PLEXUS_MAX_NORM_PARAMETER, PLEXUS_MAX_NORM_SLOTS };
typedef struct plexus_max_norm {
  uint32_t struct_size;
  uint8_t dtype, reserved[3];
  int64_t m, n;
  double limit;
} plexus_max_norm;

typedef struct plexus_operation {
  uint32_t struct_size, family;
  const void* spec;  // the struct of its family
  const plexus_tensor* const* tensors;  // one a slot; NULL: the slot is not used
  uint32_t slots, row_counts_size;
  const int64_t* row_counts;  // the true batch sizes that are expected, ascending: a hint, any up to the maximum may come
} plexus_operation;

// ---- What Plexus does for a backend ---------------------------------------------------------------------------------------

enum { PLEXUS_LOG_WARNING, PLEXUS_LOG_CHOICE, PLEXUS_LOG_KERNEL, PLEXUS_LOG_RUN };

typedef struct plexus_host {
  uint32_t struct_size, major, minor, reserved;
  void* self;  // the first argument of all that follow
  // At least 64-byte aligned; NULL: no memory.
  void* (*allocate)(void* self, size_t bytes, size_t alignment);
  void (*release)(void* self, void* memory);
  // Threads of the context: what parallel_for uses, and what a library with threads of its own shall use.
  int32_t (*threads)(void* self);
  // Calls body(argument, begin, end) for pieces that cover [0, count); boundaries are multiples of grain (>= 1), whatever the
  // number of threads. A body that returns no PLEXUS_OK ends the loop; its status is returned.
  plexus_status (*parallel_for)(void* self, int64_t count, int64_t grain,
                                plexus_status (*body)(void* argument, int64_t begin, int64_t end), void* argument);
  void (*log)(void* self, int32_t level, const char* line);
  // Keeps the message for whoever called the backend on this thread; returns `status`.
  plexus_status (*error)(void* self, plexus_status status, const char* message);
  // "max_isa": "scalar", "avx2", "avx512", "neon"; "verbose": "0" to "3". NULL: not known. Valid until `destroy`.
  const char* (*option)(void* self, const char* name);
  // The random numbers of dropout: uniform in [0, 1), positions [begin, begin + count) of a stream.
  void (*uniform)(void* self, int64_t seed, uint32_t stream, int64_t step, int64_t begin, int64_t count, float* numbers);
} plexus_host;

// ---- What a backend is ----------------------------------------------------------------------------------------------------

// Rows of docs/semantics.md that a backend may declare not to keep.
enum {
  PLEXUS_DEVIATES_ACTIVATION_NAN = 1 << 0,       // NaN into an activation may come out as a number
  PLEXUS_DEVIATES_GRADIENT_NAN = 1 << 1,         // NaN in what an activation saved may not reach its gradient
  PLEXUS_DEVIATES_GRADIENT_AT_ZERO = 1 << 2,     // the gradient of relu and its relatives at 0
  PLEXUS_DEVIATES_NON_FINITE = 1 << 3,           // infinities, NaN and overflow may have another class
  PLEXUS_DEVIATES_DENORMALS = 1 << 4,            // denormal numbers may be flushed to zero
  PLEXUS_DEVIATES_ARGMAX_TIES = 1 << 5,          // not the lowest index
  PLEXUS_DEVIATES_ARGMAX_NAN = 1 << 6,           // not the first NaN
  PLEXUS_DEVIATES_SOFTMAX_NON_FINITE = 1 << 7,   // rows with infinities or NaN
  PLEXUS_DEVIATES_LOSS_NON_FINITE = 1 << 8,      // logits that are infinite or NaN
  PLEXUS_DEVIATES_ACCUMULATE_CHAIN = 1 << 9,     // an accumulated product is added at the end: other bits than the whole
  PLEXUS_DEVIATES_THREAD_BITS = 1 << 10,         // the bits depend on the number of threads
  PLEXUS_DEVIATES_FUSED_BITS = 1 << 11,          // a fused kernel has other bits than its parts
  PLEXUS_DEVIATES_ACTIVATION_INFINITY = 1 << 12  // an infinity into an activation or its gradient may come out as NaN
};
typedef struct plexus_deviations {
  uint32_t struct_size, rows;
  // Activations and their gradients: |error| <= absolute + relative * |result|, where that is more than Plexus asks for.
  double elementwise_relative, elementwise_absolute;
} plexus_deviations;

enum { PLEXUS_BACKEND_OWN_THREADS = 1 };  // flags: has threads that fork() does not copy; refused in a child

typedef struct plexus_call {
  uint32_t struct_size, reserved;
  int64_t rows;     // the true size of the batch dimension
  void* workspace;  // workspace() bytes, 64-byte aligned
} plexus_call;

// Filled by the plugin, valid for ever. Up to `release` all members are required.
typedef struct plexus_backend {
  uint32_t struct_size, major, minor, flags;
  const char* name;  // that of its file: <name>.so; letters, digits, _ and -
  // One instance for a context. The host lives until `destroy`.
  plexus_status (*create)(const plexus_host* host, void** self);
  void (*destroy)(void* self);
  // How many of the first operations it would run as ONE kernel; 0: not even the first. Pure and cheap.
  int32_t (*takes)(void* self, const plexus_operation* const* operations, int32_t count);
  // Makes the kernel for exactly these operations, as `takes` answered. The slow half.
  plexus_status (*prepare)(void* self, const plexus_operation* const* operations, int32_t count, void** kernel);
  // Addresses slot after slot, operation after operation; NULL: not used, or internal to the kernel.
  plexus_status (*run)(const void* kernel, void* const* buffers, const plexus_call* call);
  void (*release)(void* kernel);
  // From here on NULL means: none, "", usable.
  uint64_t (*workspace)(const void* kernel);    // bytes
  const char* (*describe)(const void* kernel);  // "avx512 8x32"; valid until `release`
  int32_t (*score)(const plexus_host* host);    // 0: not usable here, host->error says why; the best of several wins
  const plexus_deviations* deviations;
  const char *version, *description;            // "2.6.3", "oneDNN's primitives"
  void (*reserved[4])(void);                    // copies to and from other memory spaces
} plexus_backend;

// The only symbol that a plugin exports. NULL: no backend, host->error says why. `host` serves this call alone.
typedef const plexus_backend* (*plexus_backend_open_function)(const plexus_host* host);
PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host* host);

#ifdef __cplusplus
}
#endif
