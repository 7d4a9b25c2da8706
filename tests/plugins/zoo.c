/* Plugins with one thing wrong each, or one thing unusual: a relu backend, bent by the macros that CMakeLists.txt sets. */
#include <plexus/backends/abi/plexus_backend.h>
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Kernel {
  const plexus_host* host;
  plexus_activation spec;
} Kernel;

#define MAYBE_UNUSED __attribute__((unused)) /* some have no use for some parts */

#if defined(ZOO_FLUSHES_DENORMALS) && defined(__SSE2__)
/* What the start-up code behind -ffast-math did to whoever loaded a library, before GCC 13 left it out of libraries. */
#include <xmmintrin.h>
__attribute__((constructor)) static void flush_denormals(void) { _mm_setcsr(_mm_getcsr() | 0x8040u); }
#endif

#if defined(ZOO_CRASHES) || defined(ZOO_CRASHES_LOADING)
/* By the signal itself, whatever a sanitizer makes of it. */
static void die(void) {
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
}
#endif

#if defined(ZOO_OWN_THREADS)
/* As one that waits for its threads: in a child of fork() it would wait for ever. */
static pid_t process;
static void join_threads(void) {
  while (getpid() != process) pause();
}
static void release_kernel(void* kernel) {
  join_threads();
  free(kernel);
}
#else
#define release_kernel free
#endif

MAYBE_UNUSED static int32_t takes(void* self, const plexus_operation* const* operations, int32_t count) {
  (void)self;
#if defined(ZOO_TAKES_TOO_MANY)
  return count + 1;
#endif
#if defined(ZOO_TAKES_FAILS)
  const plexus_host* host = self;
  host->error(host->self, PLEXUS_FAILED, "cannot decide");
  return -1;
#endif
  const plexus_activation* spec = operations[0]->spec;
  return count > 0 && operations[0]->family == PLEXUS_ACTIVATION && spec->struct_size >= sizeof *spec &&
         spec->kind == PLEXUS_RELU && spec->dtype == PLEXUS_F32;
}

static plexus_status prepare(void* self, const plexus_operation* const* operations, int32_t count, void** kernel) {
  const plexus_host* host = self;
  (void)count;
#if defined(ZOO_PREPARE_UNSUPPORTED)
  return PLEXUS_UNSUPPORTED;
#endif
#if defined(ZOO_PREPARE_FAILS)
  return host->error(host->self, PLEXUS_OUT_OF_MEMORY, "no room for a kernel");
#endif
#if defined(ZOO_PREPARE_NOTHING)
  return PLEXUS_OK;
#endif
  Kernel* k = malloc(sizeof *k);
  if (!k) return PLEXUS_OUT_OF_MEMORY;
  k->host = host;
  k->spec = *(const plexus_activation*)operations[0]->spec;
  *kernel = k;
  return PLEXUS_OK;
}

#if defined(ZOO_LOOP_FAILS)
/* Fails on the last piece, on whatever thread that is. */
static plexus_status piece(void* argument, int64_t begin, int64_t end) {
  const plexus_host* host = argument;
  (void)begin;
  return end == 12 ? host->error(host->self, PLEXUS_FAILED, "a wheel came off") : PLEXUS_OK;
}
#endif

#if defined(ZOO_TAKES_SIGNALS)
static void take_signal(int signal) { (void)signal; }
#endif

#if defined(ZOO_STALE_WORKSPACE) || defined(ZOO_HUGE_WORKSPACE)
static uint64_t workspace(const void* kernel) {
  (void)kernel;
#if defined(ZOO_HUGE_WORKSPACE)
  return UINT64_MAX;
#else
  return 64;
#endif
}
#endif

static plexus_status run(const void* kernel, void* const* buffers, const plexus_call* call) {
  const Kernel* k = kernel;
  const float* x = buffers[PLEXUS_ACTIVATION_X];
  float* y = buffers[PLEXUS_ACTIVATION_Y];
  const int64_t rows = k->spec.batch == PLEXUS_BATCH_M ? call->rows : k->spec.m;
#if defined(ZOO_RUN_FAILS)
  return k->host->error(k->host->self, PLEXUS_FAILED, "the device is on fire");
#endif
#if defined(ZOO_LOOP_FAILS)
  return k->host->parallel_for(k->host->self, rows * k->spec.n, 1, piece, (void*)k->host);
#endif
#if defined(ZOO_RUN_FAILS_SILENTLY)
  return PLEXUS_FAILED;
#endif
  for (int64_t i = 0; i < rows * k->spec.n; i++) y[i] = x[i] > 0 ? x[i] : x[i] == x[i] ? 0 : x[i];
#if defined(ZOO_WRITES_PAST)
  y[rows * k->spec.n] = 0;
#endif
#if defined(ZOO_READS_PAST)
  if (rows * k->spec.n > 0 && x[rows * k->spec.n] == 1) y[0] = 1;
#endif
#if defined(ZOO_CRASHES)
  if (k->spec.n == 33) die();
#endif
#if defined(ZOO_EXITS)
  if (k->spec.n == 33) _exit(0);
#endif
#if defined(ZOO_HANGS)
  while (k->spec.n == 33) pause();
#endif
#if defined(ZOO_SLOW)
  usleep(10000);
#endif
#if defined(ZOO_STEADY)
  usleep(6000);
#endif
#if defined(ZOO_INTERRUPTED) /* faster than the steady one, but for most of the first rounds in which it is timed */
  static int taken = 0;
  const int disturbed = ++taken >= 10 && taken <= 15;
  usleep(disturbed ? 100000 : 1000);
#endif
#if defined(ZOO_WANTS_ALIGNMENT)
  if (rows * k->spec.n > 0 && (size_t)x % 16 == 12) y[0] += 1;
#endif
#if defined(ZOO_STALE_WORKSPACE)
  if (rows * k->spec.n > 0 && *(unsigned char*)call->workspace == 0x3f) y[0] += 1;
#endif
#if defined(ZOO_COUNTS_THREADS)
  if (rows * k->spec.n > 0 && k->host->threads(k->host->self) == 3) y[0] = nextafterf(x[0] > 0 ? x[0] : 0, 2e30f);
#endif
#if defined(ZOO_SHARES_STATE)
  static float shared[1 << 20];
  for (int64_t i = 0; i < rows * k->spec.n; i++) shared[i] = y[i];
  sched_yield();
  for (int64_t i = 0; i < rows * k->spec.n; i++) y[i] = shared[i];
#endif
#if defined(ZOO_SETS_LOCALE)
  setlocale(LC_ALL, "C.UTF-8");
#endif
#if defined(ZOO_SETS_VARIABLES)
  setenv("ZOO", "was here", 1);
#endif
#if defined(ZOO_TAKES_SIGNALS)
  signal(SIGUSR2, take_signal);
#endif
#if defined(ZOO_WRONG)
  if (rows * k->spec.n > 0) y[0] += 1;
#endif
#if defined(ZOO_TURNS_WRONG)
  static int calls = 0; /* right as long as anybody looks, one should think */
  if (++calls > 10 && rows * k->spec.n > 1) y[1] += 1;
#endif
#if defined(ZOO_MAKES_NAN)
  if (rows * k->spec.n > 0) y[0] = NAN;
#endif
#if defined(ZOO_DEVIATES) || defined(ZOO_DEVIATES_SILENTLY)
  for (int64_t i = 0; i < rows * k->spec.n; i++)
    if (y[i] != y[i]) y[i] = 0;
#endif
  return PLEXUS_OK;
}

static const char* describe(const void* kernel) {
  (void)kernel;
#if defined(ZOO_DESCRIBES_NOTHING)
  return NULL;
#endif
  return "from the zoo";
}

static plexus_status create(const plexus_host* host, void** self) {
#if defined(ZOO_CREATE_FAILS)
  return host->error(host->self, PLEXUS_FAILED, "no licence");
#endif
#if defined(ZOO_OWN_THREADS)
  process = getpid();
#endif
  *self = (void*)host;
  return PLEXUS_OK;
}

static void destroy(void* self) {
  (void)self;
#if defined(ZOO_OWN_THREADS)
  join_threads();
#endif
}

#if defined(ZOO_SCORES_ZERO)
static int32_t score(const plexus_host* host) {
  host->error(host->self, PLEXUS_FAILED, "needs a quantum processor");
  return 0;
}
#endif

#if defined(ZOO_DEVIATES)
static const plexus_deviations deviations = {sizeof deviations, PLEXUS_DEVIATES_ACTIVATION_NAN, 4e-5, 1e-6};
#endif

/* A table of a version to come: longer than this one, with members that nobody here knows. */
typedef struct Table {
  plexus_backend known;
  void* unknown[8];
} Table;

MAYBE_UNUSED static Table table = {
    .known =
        {
#if defined(ZOO_STRUCT_SIZE)
            .struct_size = ZOO_STRUCT_SIZE,
#elif defined(ZOO_NEWER_MINOR)
            .struct_size = sizeof(Table),
#else
            .struct_size = sizeof(plexus_backend),
#endif
#if defined(ZOO_NEWER_MAJOR)
            .major = 2,
#elif defined(ZOO_OLDER_MAJOR)
            .major = 0,
#else
            .major = PLEXUS_ABI_MAJOR,
#endif
#if defined(ZOO_NEWER_MINOR)
            .minor = 7,
#else
            .minor = PLEXUS_ABI_MINOR,
#endif
#if defined(ZOO_OWN_THREADS)
            .flags = PLEXUS_BACKEND_OWN_THREADS,
#endif
#if !defined(ZOO_NULL_NAME)
            .name = ZOO_NAME,
#endif
            .create = create,
            .destroy = destroy,
#if !defined(ZOO_NULL_REQUIRED)
            .takes = takes,
#endif
            .prepare = prepare,
            .run = run,
            .release = release_kernel,
            .describe = describe,
#if defined(ZOO_STALE_WORKSPACE) || defined(ZOO_HUGE_WORKSPACE)
            .workspace = workspace,
#endif
#if defined(ZOO_SCORES_ZERO)
            .score = score,
#endif
#if defined(ZOO_DEVIATES)
            .deviations = &deviations,
#endif
            .version = "3.1",
            .description = "from the zoo",
        },
    .unknown = {(void*)1, (void*)2},
};

#if defined(ZOO_CHANGES_PROCESS)
static void handler(int signal) { (void)signal; }
__attribute__((constructor)) static void change(void) {
  setlocale(LC_ALL, "C.UTF-8");
  signal(SIGUSR2, handler);
  if (chdir("/") != 0) abort();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
}
#endif

#if defined(ZOO_EXITS_LOADING)
__attribute__((constructor)) static void end(void) { exit(0); }
#endif

#if defined(ZOO_STARTS_THREADS)
#include <pthread.h>
static void* idle(void* argument) {
  for (;;) pause();
  return argument;
}
__attribute__((constructor)) static void start_threads(void) {
  pthread_t thread;
  for (int i = 0; i < 4; i++)
    if (pthread_create(&thread, NULL, idle, NULL) == 0) pthread_detach(thread);
}
#endif

#if defined(ZOO_CRASHES_LOADING)
__attribute__((constructor)) static void crash(void) { die(); }
#endif

#if defined(ZOO_MISSING_DEPENDENCY)
int plexus_zoo_dependency(void);
int use_dependency(void) { return plexus_zoo_dependency(); }
#endif

#if defined(ZOO_NEXT_SYMBOL)
PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v2(const plexus_host* host);
const plexus_backend* plexus_backend_open_v2(const plexus_host* host) {
  (void)host;
  return &table.known;
}
#elif defined(ZOO_NO_SYMBOL)
PLEXUS_PLUGIN_EXPORT const void* something_else(void);
const void* something_else(void) { return &table; }
#else
const plexus_backend* plexus_backend_open_v1(const plexus_host* host) {
#if defined(ZOO_NULL_TABLE)
  (void)host;
  return NULL;
#elif defined(ZOO_REFUSES)
  host->error(host->self, PLEXUS_FAILED, "not on a Tuesday");
  return NULL;
#else
  (void)host;
  return &table.known;
#endif
}
#endif
