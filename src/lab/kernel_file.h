/* SPDX-License-Identifier: BSD-2-Clause */
/* Which kernel a file is, so that results of one are not taken for another's. */
#ifndef FWNMI_LAB_KERNEL_FILE_H
#define FWNMI_LAB_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_identity {
	char build_id[41]; /* hex; "" if it has none */
	char release[64]; /* "6.1.0-42-powerpc64le"; "" if its banner is not found */
	bool big_endian;
	uint64_t hash; /* of the whole file: a patched copy keeps its build-id */
};

/** kernel_file_identify() - false, with one line in @err, if the file cannot be read */
bool kernel_file_identify(const char *path, struct kernel_identity *identity, char *err,
			  size_t err_size);

#endif
