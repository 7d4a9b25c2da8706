#include "plexus/backends/abi/adapter.h"

#include <utility>

#include "plexus/backends/abi/marshal.h"
#include "plexus/core/error.h"

namespace plexus::abi {
namespace {

const char* word(plexus_status status) {
  switch (status) {
    case PLEXUS_UNSUPPORTED:
      return "not supported";
    case PLEXUS_INVALID_ARGUMENT:
      return "invalid argument";
    case PLEXUS_OUT_OF_MEMORY:
      return "out of memory";
    default:
      return "failed";
  }
}

/// What `call` returned, and what it says about it. An exception, which a plugin must not let out, is a
/// failure too.
template <class Call>
std::pair<plexus_status, std::string> guarded(const Call& call) {
  clear_error();
  plexus_status status = PLEXUS_FAILED;
  try {
    status = call();
  } catch (const std::exception& error) {
    return {PLEXUS_FAILED, std::string("threw an exception: ") + error.what()};
  } catch (...) {
    return {PLEXUS_FAILED, "threw an exception"};
  }
  if (status == PLEXUS_OK) return {status, ""};
  const std::string said = take_error();
  return {status, said.empty() ? word(status) + (" (status " + std::to_string(status) + ")") : said};
}

/// What an instance and its kernels share; the instance outlives them.
struct Instance {
  Instance(std::shared_ptr<const Plugin> p, HostOptions options)
      : plugin(std::move(p)), host(std::move(options)) {}
  ~Instance() {
    // What is an orphan is left alone: it might wait for its threads.
    if (self && !plugin->orphaned()) guarded([this] { return plugin->table.destroy(self), PLEXUS_OK; });
  }

  /// The call reports it, and nobody chooses the backend again.
  [[noreturn]] void fail(const std::string& where, const std::string& problem) const {
    const std::string reason = where + ": " + problem;
    plugin->set_fault(reason);
    throw BackendError("backend '" + plugin->name + "': " + reason);
  }

  const std::shared_ptr<const Plugin> plugin;
  const Host host;
  void* self = nullptr;
};

class PluginKernel final : public Kernel {
 public:
  PluginKernel(std::shared_ptr<const Instance> instance, void* kernel, std::string line, int64_t rows)
      : instance_(std::move(instance)),
        table_(instance_->plugin->table),
        kernel_(kernel),
        line_(std::move(line)),
        rows_(rows) {
    auto [status, problem] = guarded([this] {
      if (table_.workspace) workspace_ = size_t(table_.workspace(kernel_));
      if (const char* text = table_.describe ? table_.describe(kernel_) : nullptr) description_ = text;
      return PLEXUS_OK;
    });
    if (status == PLEXUS_OK && workspace_ > most_workspace)
      status = PLEXUS_FAILED, problem = "wants " + std::to_string(workspace_) + " bytes of workspace";
    if (status == PLEXUS_OK) return;
    guarded([this] { return table_.release(kernel_), PLEXUS_OK; });
    instance_->fail(line_, problem);
  }
  ~PluginKernel() override {
    if (!instance_->plugin->orphaned()) guarded([this] { return table_.release(kernel_), PLEXUS_OK; });
  }

  void run(void* const* buffers, const Call& call) const override {
    const Plugin& plugin = *instance_->plugin;
    if (plugin.faulty() || plugin.orphaned()) plugin.require_sound();
    const plexus_call c{sizeof c, 0, call.rows < 0 ? rows_ : call.rows, call.workspace};
    const auto [status, problem] = guarded([&] { return table_.run(kernel_, buffers, &c); });
    if (status != PLEXUS_OK) instance_->fail(line_, problem);
  }
  size_t workspace() const override { return workspace_; }
  std::string describe() const override { return description_; }

 private:
  /// More than any machine addresses: whoever asks for it has miscounted.
  static constexpr size_t most_workspace = size_t(1) << 47;

  const std::shared_ptr<const Instance> instance_;
  const plexus_backend& table_;
  void* const kernel_;
  const std::string line_;
  const int64_t rows_;
  size_t workspace_ = 0;
  std::string description_;
};

class CBackend final : public Backend {
 public:
  explicit CBackend(std::shared_ptr<const Instance> instance) : instance_(std::move(instance)) {}

  std::string name() const override { return instance_->plugin->name; }

  Claim claim(const Run& rest) const override {
    const Plugin& plugin = *instance_->plugin;
    if (plugin.faulty() || plugin.orphaned()) return {};
    const Marshalled offered(rest, plugin.table.minor);
    if (offered.size() == 0) return {};
    int32_t count = 0;
    const auto [status, problem] = guarded([&] {
      count = plugin.table.takes(instance_->self, offered.operations(), offered.size());
      return count < 0 ? PLEXUS_FAILED : PLEXUS_OK;
    });
    if (status != PLEXUS_OK) instance_->fail(to_string(rest.prefix(1)), problem);
    if (count > offered.size())
      instance_->fail(to_string(rest.prefix(1)),
                      "takes " + std::to_string(count) + " operations of " + std::to_string(offered.size()));
    if (count == 0) return {};
    return {size_t(count), [this, run = rest.prefix(size_t(count))] { return prepare(run); }};
  }

  Deviations deviations() const override { return abi::deviations(instance_->plugin->table.deviations); }

 private:
  std::unique_ptr<const Kernel> prepare(const Run& run) const {
    const Marshalled offered(run, instance_->plugin->table.minor);
    void* kernel = nullptr;
    const auto [status, problem] = guarded([&] {
      return instance_->plugin->table.prepare(instance_->self, offered.operations(), offered.size(), &kernel);
    });
    if (status == PLEXUS_UNSUPPORTED) return nullptr;
    if (status != PLEXUS_OK) instance_->fail(to_string(run), problem);
    if (!kernel) instance_->fail(to_string(run), "prepared no kernel, and did not say why");
    return std::make_unique<PluginKernel>(instance_, kernel, to_string(run), batch_size(run[0].spec));
  }

  std::shared_ptr<const Instance> instance_;
};

}  // namespace

std::string Plugin::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void Plugin::set_fault(const std::string& reason) const {
  const std::lock_guard lock(mutex_);
  if (fault_.empty()) fault_ = reason;
  faulty_.store(true, std::memory_order_relaxed);
}

void Plugin::require_sound() const {
  if (faulty()) throw BackendError("backend '" + name + "': not used any more: " + fault());
  if (orphaned())
    throw BackendError("backend '" + name + "': its threads stayed behind when fork() made this process: " +
                       "use 'reference' here, or fork before the backend is loaded");
}

std::unique_ptr<const Backend> make_backend(std::shared_ptr<const Plugin> plugin, HostOptions options) {
  plugin->require_sound();
  const auto instance = std::make_shared<Instance>(std::move(plugin), std::move(options));
  void* self = nullptr;
  const auto [status, problem] =
      guarded([&] { return instance->plugin->table.create(instance->host.c(), &self); });
  if (status != PLEXUS_OK)
    throw BackendError("backend '" + instance->plugin->name + "': cannot be made: " + problem);
  instance->self = self;
  return std::make_unique<CBackend>(instance);
}

}  // namespace plexus::abi
