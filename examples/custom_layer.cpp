// A layer of one's own: y = x U V, a dense layer whose weight has low rank, with rank (inputs + units)
// parameters instead of inputs x units. It describes operations that Plexus has; every backend runs it, fused
// where it can.
#include <plexus/plexus.h>

#include <cstdio>
#include <iostream>

namespace px = plexus;

namespace {

class LowRank final : public px::Layer {
 public:
  LowRank(int64_t rank, int64_t units) : rank_(rank), units_(units) {
    if (rank < 1 || units < 1) throw px::ArgumentError(name() + ": needs 1 or more of both");
  }

  std::string name() const override {
    return "LowRank(" + std::to_string(rank_) + ", " + std::to_string(units_) + ")";
  }
  std::unique_ptr<px::Layer> clone() const override { return std::make_unique<LowRank>(*this); }
  px::Shape output_shape(const px::Shape& input) const override {
    if (input.rank() != 1) throw px::ShapeError(name() + ": expects rows of rank 1, got " + to_string(input));
    return {units_};
  }

  std::vector<std::pair<std::string, px::Shape>> parameters(const px::Shape& input) const override {
    return {{"u", {input.elements(), rank_}}, {"v", {rank_, units_}}};
  }
  void initialize(px::Store& store, const std::string& prefix, const px::Shape& input, uint64_t seed,
                  uint32_t layer) const override {
    const auto set = [&](const std::string& parameter, int64_t in, int64_t out, uint32_t which) {
      px::Tensor values = store.get(prefix + "." + parameter);
      px::fill(values, px::GlorotUniform{}, in, out, seed, layer, which);
      store.set(prefix + "." + parameter, values);
    };
    set("u", input.elements(), rank_, 0);
    set("v", rank_, units_, 1);
  }

  px::BufferId forward(px::Lowering& lowering, px::BufferId x) const override {
    const int64_t in = lowering.row(x).elements();
    const px::BufferId u = lowering.parameter("u", {in, rank_}), v = lowering.parameter("v", {rank_, units_});
    const px::BufferId h = lowering.temporary("h", {rank_}), y = lowering.result({units_});
    product(lowering, "xU", px::Form::nn, lowering.batch, rank_, in, x, u, h);
    product(lowering, "hV", px::Form::nn, lowering.batch, units_, rank_, h, v, y);
    lowering.saved("x") = x;  // what backward will want
    lowering.saved("h") = h;
    lowering.saved("u") = u;
    lowering.saved("v") = v;
    return y;
  }

  px::BufferId backward(px::Lowering& lowering, px::BufferId dy, bool need_dx) const override {
    const px::BufferId x = lowering.saved("x"), h = lowering.saved("h");
    const px::BufferId u = lowering.saved("u"), v = lowering.saved("v");
    const int64_t in = lowering.row(x).elements();
    const px::BufferId dh = lowering.temporary("dh", {rank_});
    product(lowering, "dh", px::Form::nt, lowering.batch, rank_, units_, dy, v, dh);
    px::BufferId dx = px::no_buffer;
    if (need_dx) {
      dx = lowering.input_gradient({in});
      product(lowering, "dx", px::Form::nt, lowering.batch, in, rank_, dh, u, dx);
    }
    if (frozen) return dx;
    // The gradients of parameters may wait until dx has gone on; each is followed by its update.
    lowering.later([=, this, &lowering] {
      product(lowering, "dV", px::Form::tn, rank_, units_, lowering.batch, h, dy, lowering.gradient(v));
      lowering.finish(v);
      product(lowering, "dU", px::Form::tn, in, rank_, lowering.batch, x, dh, lowering.gradient(u));
      lowering.finish(u);
    });
    return dx;
  }

 private:
  /// c = op(a) op(b); tn: a gradient, summed over the batch.
  static void product(px::Lowering& lowering, const char* label, px::Form form, int64_t m, int64_t n,
                      int64_t k, px::BufferId a, px::BufferId b, px::BufferId c) {
    const bool gradient = form == px::Form::tn;
    lowering.add(label,
                 px::MatmulSpec{.form = form,
                                .m = m,
                                .n = n,
                                .k = k,
                                .batch = gradient ? px::Batch::k : px::Batch::m,
                                .accumulate = gradient && lowering.accumulate,
                                .a = lowering.dtype,
                                .b = lowering.dtype,
                                .c = lowering.dtype},
                 {a, b, px::no_buffer, c});
  }

  int64_t rank_, units_;
};

}  // namespace

int main(int argc, char** argv) try {
  const auto data = px::Dataset::from_table(px::load_npy(argc > 1 ? argv[1] : "data/iris.npy"));
  const auto [train, test] = px::split(data, {.test_fraction = 0.2, .seed = 1});
  px::Sequential net{px::Standardize(), LowRank(2, 32), px::Tanh(), px::Dense(train.classes())};
  px::Trainer trainer{net, {.optimizer = px::Adam{.learning_rate = 0.01f}}};
  trainer.fit(train, {.epochs = 100});
  std::cout << net.summary() << trainer.plan(32) << trainer.evaluate(test);
} catch (const px::Error& error) {
  std::fprintf(stderr, "custom_layer: %s\n", error.what());
  return 1;
}
