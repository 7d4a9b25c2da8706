// The oneDNN library as this backend uses it. Versions 2.x and 3.x make primitives in different ways: the difference
// lives here and nowhere else.
#pragma once
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

namespace plexus::onednn {

using Descriptor = dnnl::memory::desc;

/// The CPU. Made at first use, after max_isa() has had its say.
const dnnl::engine& cpu_engine();

/// A matrix of floats; a stride leads from one row, one column, to the next. Of a single row, or column, it leads nowhere: then
/// it is that of a dense matrix, so that oneDNN does not take it for padding.
inline Descriptor matrix(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride = 1) {
  if (rows == 1 && column_stride == 1) row_stride = columns;
  if (columns == 1 && row_stride == 1) column_stride = rows;
  return Descriptor({rows, columns}, dnnl::memory::data_type::f32, dnnl::memory::dims{row_stride, column_stride});
}
inline Descriptor vector(int64_t elements) {
  return Descriptor({elements}, dnnl::memory::data_type::f32, dnnl::memory::dims{1});
}

/// Every primitive takes its scratchpad from the caller: the library's own is one for all threads.
inline dnnl::primitive_attr attributes(const dnnl::post_ops& post = {}) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(post);
  return attributes;
}

#if DNNL_VERSION_MAJOR >= 3

inline void append_eltwise(dnnl::post_ops& post, dnnl::algorithm algorithm, float alpha, float beta) {
  post.append_eltwise(algorithm, alpha, beta);
}
inline dnnl::matmul::primitive_desc matmul(const Descriptor& a, const Descriptor& b, const Descriptor& bias,
                                           const Descriptor& c, const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), a, b, bias, c, attributes};
}
inline dnnl::eltwise_forward::primitive_desc eltwise(dnnl::algorithm algorithm, const Descriptor& x, float alpha,
                                                     const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), dnnl::prop_kind::forward_training, algorithm, x, x, alpha, 0, attributes};
}
inline dnnl::eltwise_backward::primitive_desc eltwise_gradient(dnnl::algorithm algorithm, const Descriptor& x,
                                                               float alpha,
                                                               const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), algorithm, x, x, x, alpha, 0, eltwise(algorithm, x, alpha, attributes), attributes};
}
inline dnnl::softmax_forward::primitive_desc softmax(dnnl::algorithm algorithm, const Descriptor& x,
                                                     const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), dnnl::prop_kind::forward_training, algorithm, x, x, 1, attributes};
}
inline dnnl::softmax_backward::primitive_desc softmax_gradient(dnnl::algorithm algorithm, const Descriptor& x,
                                                               const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), algorithm, x, x, x, 1, softmax(algorithm, x, attributes), attributes};
}
inline dnnl::reduction::primitive_desc sum(const Descriptor& x, const Descriptor& y,
                                           const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), dnnl::algorithm::reduction_sum, x, y, 0, 0, attributes};
}
inline dnnl::binary::primitive_desc binary(dnnl::algorithm algorithm, const Descriptor& left, const Descriptor& right,
                                           const Descriptor& result, const dnnl::primitive_attr& attributes) {
  return {cpu_engine(), algorithm, left, right, result, attributes};
}

#else

inline void append_eltwise(dnnl::post_ops& post, dnnl::algorithm algorithm, float alpha, float beta) {
  post.append_eltwise(1, algorithm, alpha, beta);
}
inline dnnl::matmul::primitive_desc matmul(const Descriptor& a, const Descriptor& b, const Descriptor& bias,
                                           const Descriptor& c, const dnnl::primitive_attr& attributes) {
  return {{a, b, bias, c}, attributes, cpu_engine()};
}
inline dnnl::eltwise_forward::primitive_desc eltwise(dnnl::algorithm algorithm, const Descriptor& x, float alpha,
                                                     const dnnl::primitive_attr& attributes) {
  return {{dnnl::prop_kind::forward_training, algorithm, x, alpha, 0}, attributes, cpu_engine()};
}
inline dnnl::eltwise_backward::primitive_desc eltwise_gradient(dnnl::algorithm algorithm, const Descriptor& x,
                                                               float alpha,
                                                               const dnnl::primitive_attr& attributes) {
  return {{algorithm, x, x, alpha, 0}, attributes, cpu_engine(), eltwise(algorithm, x, alpha, attributes)};
}
inline dnnl::softmax_v2_forward::primitive_desc softmax(dnnl::algorithm algorithm, const Descriptor& x,
                                                        const dnnl::primitive_attr& attributes) {
  return {{dnnl::prop_kind::forward_training, algorithm, x, x, 1}, attributes, cpu_engine()};
}
inline dnnl::softmax_v2_backward::primitive_desc softmax_gradient(dnnl::algorithm algorithm, const Descriptor& x,
                                                                  const dnnl::primitive_attr& attributes) {
  return {{algorithm, x, x, x, 1}, attributes, cpu_engine(), softmax(algorithm, x, attributes)};
}
inline dnnl::reduction::primitive_desc sum(const Descriptor& x, const Descriptor& y,
                                           const dnnl::primitive_attr& attributes) {
  return {{dnnl::algorithm::reduction_sum, x, y, 0, 0}, attributes, cpu_engine()};
}
inline dnnl::binary::primitive_desc binary(dnnl::algorithm algorithm, const Descriptor& left, const Descriptor& right,
                                           const Descriptor& result, const dnnl::primitive_attr& attributes) {
  return {{algorithm, left, right, result}, attributes, cpu_engine()};
}

#endif

}  // namespace plexus::onednn
