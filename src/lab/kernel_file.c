/* SPDX-License-Identifier: BSD-2-Clause */
/* Which kernel a file is; see kernel_file.h. The loader checks the rest of the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/content_hash.h"
#include "base/elf_file.h"
#include "lab/kernel_file.h"

#define NOTES_MAX 4096

/* Looks for the GNU build-id among the notes of a segment. */
static bool find_build_id(const struct elf_file *elf, const uint8_t *notes, size_t size, char *text)
{
	size_t at = 0;

	while (at + 12 <= size) {
		const uint32_t name = elf_file_word(elf->little_endian, notes + at),
			       length = elf_file_word(elf->little_endian, notes + at + 4);
		const size_t contents = at + 12 + ((size_t)name + 3) / 4 * 4;

		if (contents > size || length > size - contents)
			return false;
		if (elf_file_word(elf->little_endian, notes + at + 8) == NT_GNU_BUILD_ID &&
		    name == 4 && !memcmp(notes + at + 12, "GNU", 4) && length <= 20) {
			for (uint32_t i = 0; i < length; i++)
				sprintf(text + 2 * i, "%02x", notes[contents + i]);
			return true;
		}
		at = contents + ((size_t)length + 3) / 4 * 4;
	}
	return false;
}

static void read_build_id(const struct elf_file *elf, char *text)
{
	Elf64_Phdr segment;

	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		uint8_t notes[NOTES_MAX];

		if (!elf_file_segment(elf, i, &segment) || segment.p_type != PT_NOTE ||
		    segment.p_filesz > sizeof(notes) ||
		    !elf_file_read(elf, segment.p_offset, notes, segment.p_filesz))
			continue;
		if (find_build_id(elf, notes, segment.p_filesz, text))
			return;
	}
}

/* Linux's banner, which it prints first, and keeps for /proc/version. */
static void read_release(const uint8_t *bytes, size_t size, char *release, size_t room)
{
	static const char banner[] = "Linux version ";
	const uint8_t *at = memmem(bytes, size, banner, sizeof(banner) - 1);
	size_t length = 0;

	if (!at)
		return;
	at += sizeof(banner) - 1;
	while (length < room - 1 && at + length < bytes + size && at[length] > ' ' &&
	       at[length] < 0x7f && at[length] != '%')
		length++;
	memcpy(release, at, length);
	release[length] = '\0';
}

bool kernel_file_identify(const char *path, struct kernel_identity *identity, char *err,
			  size_t err_size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *bytes = MAP_FAILED;
	struct elf_file elf;
	struct stat st;

	*identity = (struct kernel_identity){ 0 };
	if (fd >= 0 && !fstat(fd, &st) && (!S_ISREG(st.st_mode) || !st.st_size)) {
		close(fd);
		snprintf(err, err_size, "%s is no kernel: %s", path,
			 S_ISREG(st.st_mode) ? "it is empty" : "not a file");
		return false;
	}
	if (fd >= 0)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		snprintf(err, err_size, "cannot read %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	identity->hash = content_hash(bytes, (size_t)st.st_size);
	if (elf_file_open(&elf, -1, bytes, (size_t)st.st_size) == ELF_FILE_GOOD) {
		identity->big_endian = !elf.little_endian;
		read_build_id(&elf, identity->build_id);
	}
	read_release(bytes, (size_t)st.st_size, identity->release, sizeof(identity->release));
	munmap(bytes, (size_t)st.st_size);
	return true;
}
