/* SPDX-License-Identifier: BSD-2-Clause */
/* NVRAM contents and file. The RTAS calls are in rtas/nvram.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/nvram.h"

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
	/*
	 * Checksum: the sum of the header's bytes with end-around carry. The checksum byte itself
	 * counts as zero.
	 */
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

/* ---- the file and its locks ---- */

#define FAIL(...) (snprintf(err, err_size, "cannot use NVRAM file " __VA_ARGS__), -1)
#define MAX_TRIES 16

/*
 * An open file description lock covers the contents: no close() of another descriptor drops it.
 * Such a lock does not tell the owner's PID, so the byte after the contents has a process lock.
 */
static const struct flock contents_lock = { .l_type = F_WRLCK, .l_len = NVRAM_SIZE };
static const struct flock owner_lock = { .l_type = F_WRLCK, .l_start = NVRAM_SIZE, .l_len = 1 };

static int fail_locked(int fd, const char *path, char *err, size_t err_size)
{
	struct flock lock = owner_lock;

	if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK && lock.l_pid > 0)
		return FAIL("%s: process %ld has it", path, (long)lock.l_pid);
	return FAIL("%s: another process has it", path);
}

static int lock_file(int fd, const char *path, char *err, size_t err_size)
{
	struct flock lock = contents_lock;

	if (fcntl(fd, F_OFD_SETLK, &lock)) {
		if (errno == EACCES || errno == EAGAIN)
			return fail_locked(fd, path, err, err_size);
		return FAIL("%s: cannot lock it: %s", path, strerror(errno));
	}
	lock = owner_lock;
	fcntl(fd, F_SETLK, &lock);
	return 0;
}

/* Give a new file its name, which must be free. Returns 0 or an error number. */
static int name_file(const char *temporary, const char *path)
{
	if (!link(temporary, path)) {
		unlink(temporary);
		return 0;
	}
	/* Some file systems have no hard links; some that have them lack RENAME_NOREPLACE. */
	if (errno != EEXIST && !renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	return errno;
}

/*
 * A new file gets its name only when it is complete and locked. Returns 1 if the name is taken by
 * then.
 */
static int create_file(struct nvram *nvram, const char *path, char *err, size_t err_size)
{
	size_t len = strlen(path) + sizeof(".XXXXXX");
	char *temporary = malloc(len);
	int ret = 0, error;

	if (!temporary)
		return FAIL("%s: out of memory", path);
	snprintf(temporary, len, "%s.XXXXXX", path);
	nvram->fd = mkostemp(temporary, O_CLOEXEC);
	if (nvram->fd < 0) {
		ret = FAIL("%s: %s", path, strerror(errno));
		free(temporary);
		return ret;
	}
	if (!write_all(nvram->fd, nvram->data, NVRAM_SIZE, 0) || fsync(nvram->fd))
		ret = FAIL("%s: %s", path, strerror(errno));
	else
		ret = lock_file(nvram->fd, path, err, err_size);
	if (!ret) {
		error = name_file(temporary, path);
		if (error)
			ret = error == EEXIST ? 1 : FAIL("%s: %s", path, strerror(error));
	}
	if (ret) {
		unlink(temporary);
		nvram_close(nvram);
	}
	free(temporary);
	return ret;
}

/* Open and lock an existing file. Returns 1 if it is gone by then. */
static int open_file(struct nvram *nvram, const char *path, char *err, size_t err_size)
{
	struct stat st, named;
	int ret;

	nvram->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nvram->fd < 0)
		return errno == ENOENT ? 1 : FAIL("%s: %s", path, strerror(errno));
	if (fstat(nvram->fd, &st))
		ret = FAIL("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size != NVRAM_SIZE)
		ret = FAIL("%s: not a file of %u bytes", path, NVRAM_SIZE);
	else
		ret = lock_file(nvram->fd, path, err, err_size);
	if (!ret && (stat(path, &named) || named.st_dev != st.st_dev || named.st_ino != st.st_ino))
		ret = 1;
	if (!ret && !read_all(nvram->fd, nvram->data, NVRAM_SIZE))
		ret = FAIL("%s: it cannot be read", path);
	if (ret)
		nvram_close(nvram);
	return ret;
}

int nvram_open(struct nvram *nvram, const char *path, char *err, size_t err_size)
{
	int ret = 1;

	nvram->fd = -1;
	format(nvram);
	if (!path)
		return 0;
	/* Other processes may create, rename and remove it at the same time. */
	for (unsigned i = 0; i < MAX_TRIES && ret > 0; i++) {
		ret = open_file(nvram, path, err, err_size);
		if (ret > 0)
			ret = create_file(nvram, path, err, err_size);
	}
	return ret > 0 ? FAIL("%s: it comes and goes", path) : ret;
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
