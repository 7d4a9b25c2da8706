// A Plexus plugin from a C++17 class. Header-only: the plugin links nothing of Plexus, and may be built by any compiler, with any
// standard library, with or without exceptions. What operations mean: plexus_backend.h.
//
//     struct Relu : plexus::plugin::Kernel { ... };
//     struct Mine : plexus::plugin::Backend {
//       static constexpr const char* name = "mine";  // the file: mine.so
//       explicit Mine(plexus::plugin::Host host) : host(host) {}
//       int32_t takes(const Operations& rest) const override;
//       std::unique_ptr<Kernel> prepare(const Operations& run) override;
//       plexus::plugin::Host host;
//     };
//     PLEXUS_BACKEND_PLUGIN(Mine)
#pragma once
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>

#include "plexus_backend.h"
#if defined(__cpp_exceptions)
#include <exception>
#endif

namespace plexus::plugin {

/// The services of Plexus, for one context. A handle: copy it freely; valid while the backend lives.
class Host {
 public:
  explicit Host(const plexus_host* host) : host_(host) {}

  /// Threads of the context.
  int threads() const { return int(host_->threads(host_->self)); }
  /// Calls body(begin, end) for pieces that cover [0, count), on the threads of the context; boundaries are multiples of `grain`.
  /// An exception of a body is thrown again here. A body may return a plexus_status; the first that is not PLEXUS_OK is returned.
  template <class Body>
  plexus_status parallel_for(int64_t count, int64_t grain, const Body& body) const;
  /// At least 64-byte aligned; null: no memory.
  void* allocate(size_t bytes, size_t alignment = 64) const { return host_->allocate(host_->self, bytes, alignment); }
  void release(void* memory) const { host_->release(host_->self, memory); }
  /// One line to the context's log; `level`: PLEXUS_LOG_WARNING, ...
  void log(int32_t level, const char* line) const { host_->log(host_->self, level, line); }
  /// Says why something failed: `return host.error(PLEXUS_FAILED, "...")`.
  plexus_status error(plexus_status status, const char* message) const {
    return host_->error(host_->self, status, message);
  }
  /// "max_isa", "verbose"; null: not known.
  const char* option(const char* name) const { return host_->option(host_->self, name); }
  /// Random numbers of dropout.
  void uniform(int64_t seed, uint32_t stream, int64_t step, int64_t begin, int64_t count, float* numbers) const {
    host_->uniform(host_->self, seed, stream, step, begin, count, numbers);
  }
  const plexus_host* c() const { return host_; }

 private:
  const plexus_host* host_;
};

template <class S> struct FamilyOf;
template <> struct FamilyOf<plexus_matmul> { static constexpr uint32_t value = PLEXUS_MATMUL; };
template <> struct FamilyOf<plexus_activation> { static constexpr uint32_t value = PLEXUS_ACTIVATION; };
template <> struct FamilyOf<plexus_activation_gradient> { static constexpr uint32_t value = PLEXUS_ACTIVATION_GRADIENT; };
template <> struct FamilyOf<plexus_loss> { static constexpr uint32_t value = PLEXUS_LOSS; };
template <> struct FamilyOf<plexus_dropout> { static constexpr uint32_t value = PLEXUS_DROPOUT; };
template <> struct FamilyOf<plexus_reduce> { static constexpr uint32_t value = PLEXUS_REDUCE; };
template <> struct FamilyOf<plexus_clip> { static constexpr uint32_t value = PLEXUS_CLIP; };
template <> struct FamilyOf<plexus_scale> { static constexpr uint32_t value = PLEXUS_SCALE; };
template <> struct FamilyOf<plexus_update> { static constexpr uint32_t value = PLEXUS_UPDATE; };
template <> struct FamilyOf<plexus_max_norm> { static constexpr uint32_t value = PLEXUS_MAX_NORM; };

/// Operations as they are offered: the rest of a program, or what `takes` answered.
class Operations {
 public:
  Operations(const plexus_operation* const* list, int32_t count) : list_(list), count_(count) {}

  int32_t size() const { return count_; }
  const plexus_operation& operator[](int32_t i) const { return *list_[i]; }
  /// The i-th spec where it is an S; empty beyond the end and for another family. Members that the host does not know are 0.
  template <class S>
  std::optional<S> get(int32_t i) const {
    if (i >= count_ || list_[i]->family != FamilyOf<S>::value) return std::nullopt;
    S spec{};
    uint32_t size = 0;
    std::memcpy(&size, list_[i]->spec, sizeof size);
    std::memcpy(&spec, list_[i]->spec, size < sizeof spec ? size : sizeof spec);
    return spec;
  }
  /// What a slot reads or writes; null: not used.
  const plexus_tensor* tensor(int32_t i, int slot) const { return list_[i]->tensors[slot]; }
  /// The buffer in a slot; -1: not used.
  int32_t buffer(int32_t i, int slot) const { return tensor(i, slot) ? tensor(i, slot)->buffer : -1; }
  /// Nobody but the first `count` operations touches it: a kernel of these need not write it, and gets null for it.
  bool internal(int32_t i, int slot, int32_t count) const { return tensor(i, slot) && tensor(i, slot)->last_use < count; }

 private:
  const plexus_operation* const* list_;
  int32_t count_;
};

template <class B> struct Table;

/// A prepared computation; run by many threads at once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// PLEXUS_OK, or what host.error returned. Exceptions are reported as PLEXUS_FAILED. Never allocates.
  virtual plexus_status run(void* const* buffers, const plexus_call& call) const = 0;
  virtual uint64_t workspace() const { return 0; }
  /// "avx512 8x32"; lives as long as the kernel.
  virtual const char* describe() const { return ""; }

 private:
  template <class B> friend struct Table;
  const plexus_host* host_ = nullptr;
};

/// The base of a plugin's class, made once a context from its Host. What is static here is hidden by members of the same name.
class Backend {
 public:
  using Operations = plugin::Operations;
  using Kernel = plugin::Kernel;
  static constexpr const char* version = "";
  static constexpr const char* description = "";
  static constexpr uint32_t flags = 0;  ///< PLEXUS_BACKEND_OWN_THREADS
  static constexpr const plexus_deviations* deviations = nullptr;
  /// 0: not usable on this machine, host.error says why; otherwise how good, the best of several wins.
  static int32_t score(Host) { return 1; }

  virtual ~Backend() = default;
  /// How many of the first operations it runs as one kernel. Pure and cheap, called from many threads.
  virtual int32_t takes(const Operations& rest) const = 0;
  /// The kernel for exactly these. Null: refused after all.
  virtual std::unique_ptr<Kernel> prepare(const Operations& run) = 0;
};

/// Calls a function so that no exception leaves it: its status, or the one of its exception, told to the host.
template <class Function>
plexus_status guarded(const plexus_host* host, const Function& function) noexcept {
#if defined(__cpp_exceptions)
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return host->error(host->self, PLEXUS_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return host->error(host->self, PLEXUS_FAILED, error.what());
  } catch (...) {
    return host->error(host->self, PLEXUS_FAILED, "an exception of an unknown type");
  }
#else
  (void)host;
  return function();
#endif
}

/// What of an instance crosses the border.
template <class B>
struct Table {
  struct Instance {
    explicit Instance(const plexus_host* h) : host(h), backend(Host(h)) {}
    const plexus_host* host;
    B backend;
  };
  static plexus_status create(const plexus_host* host, void** self) noexcept {
    return guarded(host, [&] {
      *self = new (std::nothrow) Instance(host);
      return *self ? PLEXUS_OK : host->error(host->self, PLEXUS_OUT_OF_MEMORY, "out of memory");
    });
  }
  static void destroy(void* self) noexcept { delete static_cast<Instance*>(self); }
  static int32_t takes(void* self, const plexus_operation* const* operations, int32_t count) noexcept {
    const auto& instance = *static_cast<Instance*>(self);
    int32_t answer = 0;
    const plexus_status status = guarded(instance.host, [&] {
      answer = instance.backend.takes({operations, count});
      return PLEXUS_OK;
    });
    return status == PLEXUS_OK ? answer : -1;
  }
  static plexus_status prepare(void* self, const plexus_operation* const* operations, int32_t count, void** kernel) noexcept {
    auto& instance = *static_cast<Instance*>(self);
    return guarded(instance.host, [&]() -> plexus_status {
      std::unique_ptr<Kernel> made = instance.backend.prepare({operations, count});
      if (!made) return PLEXUS_UNSUPPORTED;
      made->host_ = instance.host;
      *kernel = made.release();
      return PLEXUS_OK;
    });
  }
  static plexus_status run(const void* kernel, void* const* buffers, const plexus_call* call) noexcept {
    const auto& prepared = *static_cast<const Kernel*>(kernel);
    return guarded(prepared.host_, [&] { return prepared.run(buffers, *call); });
  }
  static void release(void* kernel) noexcept { delete static_cast<Kernel*>(kernel); }
  static uint64_t workspace(const void* kernel) noexcept { return static_cast<const Kernel*>(kernel)->workspace(); }
  static const char* describe(const void* kernel) noexcept { return static_cast<const Kernel*>(kernel)->describe(); }
  static int32_t score(const plexus_host* host) noexcept {
    int32_t answer = 0;
    guarded(host, [&] {
      answer = B::score(Host(host));
      return PLEXUS_OK;
    });
    return answer;
  }
  static const plexus_backend* get() noexcept {
    static const plexus_backend table = {
        sizeof(plexus_backend), PLEXUS_ABI_MAJOR, PLEXUS_ABI_MINOR, B::flags, B::name, create, destroy, takes, prepare, run,
        release, workspace, describe, score, B::deviations, B::version, B::description, {}};
    return &table;
  }
};

template <class Body>
plexus_status Host::parallel_for(int64_t count, int64_t grain, const Body& body) const {
  struct Argument {
    const Body& body;
#if defined(__cpp_exceptions)
    std::exception_ptr failure = nullptr;
#endif
  } argument{body};
  const auto piece = [](void* a, int64_t begin, int64_t end) noexcept -> plexus_status {
    auto& loop = *static_cast<Argument*>(a);
    const auto call = [&]() -> plexus_status {
      if constexpr (std::is_void_v<decltype(loop.body(begin, end))>) {
        loop.body(begin, end);
        return PLEXUS_OK;
      } else {
        return loop.body(begin, end);
      }
    };
#if defined(__cpp_exceptions)
    try {
      return call();
    } catch (...) {
      // Several threads may come here at once, and only one may write.
      static std::atomic_flag busy = ATOMIC_FLAG_INIT;
      while (busy.test_and_set(std::memory_order_acquire)) {
      }
      if (!loop.failure) loop.failure = std::current_exception();
      busy.clear(std::memory_order_release);
      return PLEXUS_FAILED;
    }
#else
    return call();
#endif
  };
  const plexus_status status = host_->parallel_for(host_->self, count, grain, piece, &argument);
#if defined(__cpp_exceptions)
  if (argument.failure) std::rethrow_exception(argument.failure);
#endif
  return status;
}

}  // namespace plexus::plugin

/// Makes the shared object a plugin: once, at namespace scope.
#define PLEXUS_BACKEND_PLUGIN(Class)                                                                         \
  extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host* host) {    \
    (void)host;                                                                                              \
    return ::plexus::plugin::Table<Class>::get();                                                            \
  }
