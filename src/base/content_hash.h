/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells files apart by their contents. It guards nothing: whoever wants to can make two alike. */
#ifndef FWNMI_BASE_CONTENT_HASH_H
#define FWNMI_BASE_CONTENT_HASH_H

#include <stddef.h>
#include <stdint.h>

/** content_hash() - FNV-1a on words of 8 bytes, the rest by bytes; each word is mixed downwards */
uint64_t content_hash(const void *bytes, size_t size);

#endif
