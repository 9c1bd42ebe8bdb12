/* SPDX-License-Identifier: BSD-2-Clause */
/* NVRAM contents and file. The RTAS calls are in rtas_nvram.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "papr/nvram.h"

/* LoPAR section "NVRAM Partitions": a header is one block, lengths count blocks. */
#define BLOCK		 16u
#define SIGNATURE_COMMON 0x70
#define SIGNATURE_FREE	 0x7f
#define COMMON_SIZE	 0x1000u
#define NAME_SIZE	 12u

static void put_header(uint8_t *header, uint8_t signature, uint32_t bytes, const char *name,
		       size_t name_len)
{
	unsigned sum = 0;

	memset(header, 0, BLOCK);
	header[0] = signature;
	header[2] = (uint8_t)(bytes / BLOCK >> 8);
	header[3] = (uint8_t)(bytes / BLOCK);
	memcpy(header + 4, name, name_len);
	/* Checksum: the sum of the header's bytes with end-around carry, in the byte that counts as zero. */
	for (unsigned i = 0; i < BLOCK; i++) {
		sum += header[i];
		sum = (sum & 0xff) + (sum >> 8);
	}
	header[1] = (uint8_t)sum;
}

static void format(struct nvram *nvram)
{
	static const char free_name[] = "wwwwwwwwwwww"; /* 12 times 0x77, as LoPAR has it */

	memset(nvram->data, 0, NVRAM_SIZE);
	put_header(nvram->data, SIGNATURE_COMMON, COMMON_SIZE, "common", strlen("common"));
	put_header(nvram->data + COMMON_SIZE, SIGNATURE_FREE, NVRAM_SIZE - COMMON_SIZE, free_name,
		   NAME_SIZE);
}

static bool write_all(int fd, const uint8_t *buf, size_t len, off_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
		offset += n;
	}
	return true;
}

static bool read_all(int fd, uint8_t *buf, size_t len)
{
	off_t offset = 0;

	while (len) {
		ssize_t n = pread(fd, buf, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
		offset += n;
	}
	return true;
}

/* A new file appears under its name only when it is whole. */
static int create_file(struct nvram *nvram, const char *path, char *err, size_t err_size)
{
	size_t len = strlen(path) + sizeof(".XXXXXX");
	char *temporary = malloc(len);
	int saved;

	if (!temporary) {
		snprintf(err, err_size, "NVRAM file %s: out of memory", path);
		return -1;
	}
	snprintf(temporary, len, "%s.XXXXXX", path);
	nvram->fd = mkstemp(temporary);
	if (nvram->fd < 0) {
		snprintf(err, err_size, "NVRAM file %s: %s", path, strerror(errno));
		free(temporary);
		return -1;
	}
	if (!write_all(nvram->fd, nvram->data, NVRAM_SIZE, 0) || fsync(nvram->fd) ||
	    rename(temporary, path)) {
		saved = errno;
		unlink(temporary);
		nvram_close(nvram);
		snprintf(err, err_size, "NVRAM file %s: %s", path, strerror(saved));
		free(temporary);
		return -1;
	}
	free(temporary);
	return 0;
}

int nvram_open(struct nvram *nvram, const char *path, char *err, size_t err_size)
{
	struct stat st;

	nvram->fd = -1;
	format(nvram);
	if (!path)
		return 0;
	nvram->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nvram->fd < 0 && errno == ENOENT)
		return create_file(nvram, path, err, err_size);
	if (nvram->fd < 0) {
		snprintf(err, err_size, "NVRAM file %s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(nvram->fd, &st)) {
		snprintf(err, err_size, "NVRAM file %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size != NVRAM_SIZE) {
		snprintf(err, err_size, "NVRAM file %s: not a file of %u bytes", path, NVRAM_SIZE);
	} else if (!read_all(nvram->fd, nvram->data, NVRAM_SIZE)) {
		snprintf(err, err_size, "NVRAM file %s: cannot be read", path);
	} else {
		return 0;
	}
	nvram_close(nvram);
	return -1;
}

void nvram_close(struct nvram *nvram)
{
	if (nvram->fd >= 0)
		close(nvram->fd);
	nvram->fd = -1;
}

bool nvram_store(struct nvram *nvram, uint32_t offset, const void *buf, uint32_t len)
{
	if (offset > NVRAM_SIZE || len > NVRAM_SIZE - offset)
		return false;
	memcpy(nvram->data + offset, buf, len);
	return nvram->fd < 0 || write_all(nvram->fd, nvram->data + offset, len, offset);
}
