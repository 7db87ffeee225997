// A lock for one writer (the applier) and many readers (answers).
//
// Waiting writers go first, so that a stream of readers can't hold up the log; a writer
// that unlocks lets the readers that gathered in, so that a stream of records can't hold
// up the answers. std::shared_mutex promises neither.
#pragma once

#include <pthread.h>

#include "base/check.h"

namespace vitrine::apply {

class ReadWriteLock {
 public:
  ReadWriteLock() {
    pthread_rwlockattr_t attributes;
    VITRINE_CHECK(pthread_rwlockattr_init(&attributes) == 0);
    VITRINE_CHECK(pthread_rwlockattr_setkind_np(&attributes,
                                                PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    VITRINE_CHECK(pthread_rwlock_init(&lock_, &attributes) == 0);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~ReadWriteLock() { pthread_rwlock_destroy(&lock_); }
  ReadWriteLock(const ReadWriteLock&) = delete;
  ReadWriteLock& operator=(const ReadWriteLock&) = delete;

  // The names std::unique_lock and std::shared_lock ask for.
  void lock() { VITRINE_CHECK(pthread_rwlock_wrlock(&lock_) == 0); }
  void unlock() { pthread_rwlock_unlock(&lock_); }
  // Never while this thread already holds it: a waiting writer would stop both.
  void lock_shared() { VITRINE_CHECK(pthread_rwlock_rdlock(&lock_) == 0); }
  void unlock_shared() { pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_;
};

}  // namespace vitrine::apply
