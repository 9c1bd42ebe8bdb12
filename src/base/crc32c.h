/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32C (RFC 3720): notices damage, not malice. */
#ifndef FWNMI_BASE_CRC32C_H
#define FWNMI_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** crc32c() - of @crc's bytes and these; @crc of no bytes is 0 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
