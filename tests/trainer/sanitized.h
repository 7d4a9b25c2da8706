// PLEXUS_SANITIZED: a sanitizer has put an allocator of its own in place of the system's. PLEXUS_THREAD_SANITIZER: that of threads.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define PLEXUS_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PLEXUS_THREAD_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(PLEXUS_THREAD_SANITIZER)
#define PLEXUS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define PLEXUS_SANITIZED 1
#endif
#endif
