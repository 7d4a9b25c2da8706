#include "plexus/core/log.h"

#include <gtest/gtest.h>

namespace plexus {
namespace {

TEST(LogTest, StderrSinkWritesOneLine) {
  const LogSink sink = stderr_sink();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  sink(LogLevel::warning, "matmul: none in toy");
  sink(LogLevel::choice, "backend reference");
  sink(LogLevel::run, "50% done %s");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "plexus: warning: matmul: none in toy\nplexus: backend reference\nplexus: 50% done %s\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace plexus
