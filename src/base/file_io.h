/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole ranges of files, where the host's calls may stop halfway. */
#ifndef FWNMI_BASE_FILE_IO_H
#define FWNMI_BASE_FILE_IO_H

#include <stddef.h>
#include <stdint.h>

/**
 * file_read() - read @len bytes at @offset; the descriptor's own position does not move
 *
 * returns: 0, or a negative error number; -ENODATA if the file ends before
 */
int file_read(int fd, void *buf, size_t len, uint64_t offset);
/** file_write() - the same for writing. */
int file_write(int fd, const void *buf, size_t len, uint64_t offset);

#endif
