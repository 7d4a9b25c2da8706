// The message of what a call throws: tests compare it whole.
#pragma once
#include <gtest/gtest.h>

#include <string>

namespace plexus {

/// The message where `call` throws an E; a failure and "" where it does not.
template <class E, class F>
std::string message(const F& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace plexus
