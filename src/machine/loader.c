/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load firmware, kernel and initrd into guest memory; see loader.h. Files stay open for reboots and
 * are read straight into guest memory. Function descriptors follow the OpenPOWER 64-bit ELF ABI,
 * version 1.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf_file.h"
#include "base/file_io.h"
#include "machine/loader.h"

#define INITRD_ALIGN 0x10000ull

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), -1)

/* Only regular files: a FIFO or a terminal would block, or be empty on the second boot. */
static int open_regular(const char *path, const char *what, int *fd, uint64_t *size, char *err,
			size_t err_size)
{
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return FAIL("cannot open %s %s: %s", what, path, strerror(errno));
	if (fstat(*fd, &st) < 0)
		return FAIL("cannot read %s %s: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return FAIL("cannot read %s %s: not a regular file", what, path);
	*size = (uint64_t)st.st_size;
	return 0;
}

/*
 * With ELF ABI version 1, the entry may be the address of a function descriptor (in .opd). Its
 * first doubleword is the address of the code. Linux's own vmlinux gives the code address in either
 * ABI.
 */
static uint64_t through_descriptor(const struct elf_file *elf, uint64_t entry)
{
	for (unsigned i = 0; i < elf->header.e_shnum; i++) {
		Elf64_Shdr shdr;
		uint64_t raw;

		if (!elf_file_section(elf, i, &shdr) || shdr.sh_type == SHT_NOBITS ||
		    entry < shdr.sh_addr || shdr.sh_size < sizeof(raw) ||
		    entry - shdr.sh_addr > shdr.sh_size - sizeof(raw) ||
		    !elf_file_is_named(elf, elf->header.e_shstrndx, shdr.sh_name, ".opd") ||
		    !elf_file_read(elf, shdr.sh_offset + entry - shdr.sh_addr, &raw, sizeof(raw)))
			continue;
		return elf->little_endian ? le64toh(raw) : be64toh(raw);
	}
	return entry;
}

/* A kernel that its user has yet to unpack, as those of /boot are on some systems. */
static const char *not_elf(const struct elf_file *file)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b }, xz[] = { 0xfd, '7', 'z', 'X' },
				   zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	unsigned char magic[4];

	if (!elf_file_read(file, 0, magic, sizeof(magic)))
		return "not an ELF file";
	if (!memcmp(magic, gzip, sizeof(gzip)))
		return "not an ELF file but one that gzip has compressed";
	if (!memcmp(magic, xz, sizeof(xz)))
		return "not an ELF file but one that xz has compressed";
	if (!memcmp(magic, zstd, sizeof(zstd)))
		return "not an ELF file but one that zstd has compressed";
	return "not an ELF file";
}

static int open_elf(const struct loader *loader, struct elf_file *elf, uint64_t file_size,
		    char *err, size_t err_size)
{
	enum elf_opened opened = elf_file_open(elf, loader->kernel_fd, NULL, file_size);
	const Elf64_Ehdr *ehdr = &elf->header;

	if (opened == ELF_FILE_NONE)
		return FAIL("cannot load kernel %s: %s", loader->kernel, not_elf(elf));
	if (opened == ELF_FILE_CUT)
		return FAIL("cannot load kernel %s: truncated ELF header", loader->kernel);
	if (ehdr->e_machine != EM_PPC64 && ehdr->e_machine != EM_PPC)
		return FAIL(
			"cannot load kernel %s: for another machine (ELF machine %u), not PowerPC",
			loader->kernel, ehdr->e_machine);
	if (opened == ELF_FILE_32_BIT || ehdr->e_machine != EM_PPC64)
		return FAIL("cannot load kernel %s: 32-bit, not 64-bit PowerPC", loader->kernel);
	if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN)
		return FAIL("cannot load kernel %s: not an executable (ELF type %u)",
			    loader->kernel, ehdr->e_type);
	if (opened == ELF_FILE_CUT_HEADERS)
		return FAIL("cannot load kernel %s: truncated file", loader->kernel);
	return 0;
}

static int add_segment(struct loader *loader, const Elf64_Phdr *phdr, uint64_t file_size,
		       uint64_t ram_size, char *err, size_t err_size)
{
	struct loader_segment *segment = &loader->segments[loader->nr_segments];

	if (loader->nr_segments == LOADER_MAX_SEGMENTS)
		return FAIL("cannot load kernel %s: more than %d segments", loader->kernel,
			    LOADER_MAX_SEGMENTS);
	if (phdr->p_filesz > phdr->p_memsz)
		return FAIL("cannot load kernel %s: malformed segment, file size above memory size",
			    loader->kernel);
	if (phdr->p_offset > file_size || phdr->p_filesz > file_size - phdr->p_offset)
		return FAIL("cannot load kernel %s: truncated file", loader->kernel);
	if (phdr->p_memsz > ram_size || phdr->p_paddr > ram_size - phdr->p_memsz)
		return FAIL("cannot load kernel %s: segment 0x%llx+0x%llx does not fit in %llu MiB "
			    "of memory",
			    loader->kernel, (unsigned long long)phdr->p_paddr,
			    (unsigned long long)phdr->p_memsz,
			    (unsigned long long)(ram_size >> 20));
	for (const struct loader_segment *s = loader->segments; s < segment; s++) {
		if (phdr->p_paddr < s->address + s->memory_size &&
		    s->address < phdr->p_paddr + phdr->p_memsz)
			return FAIL("cannot load kernel %s: segments 0x%llx+0x%llx and "
				    "0x%llx+0x%llx overlap",
				    loader->kernel, (unsigned long long)s->address,
				    (unsigned long long)s->memory_size,
				    (unsigned long long)phdr->p_paddr,
				    (unsigned long long)phdr->p_memsz);
	}
	segment->address = phdr->p_paddr;
	segment->memory_size = phdr->p_memsz;
	segment->file_size = phdr->p_filesz;
	segment->file_offset = phdr->p_offset;
	loader->nr_segments++;
	return 0;
}

/*
 * In Linux's vmlinux the entry is an effective address. Find its segment and use the physical
 * address.
 */
static bool translate_entry(const struct elf_file *elf, uint64_t entry, uint64_t *real)
{
	Elf64_Phdr phdr;

	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		if (!elf_file_segment(elf, i, &phdr) || phdr.p_type != PT_LOAD)
			continue;
		if (entry >= phdr.p_vaddr && entry - phdr.p_vaddr < phdr.p_memsz) {
			*real = entry - phdr.p_vaddr + phdr.p_paddr;
			return true;
		}
	}
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		if (!elf_file_segment(elf, i, &phdr) || phdr.p_type != PT_LOAD)
			continue;
		if (entry >= phdr.p_paddr && entry - phdr.p_paddr < phdr.p_memsz) {
			*real = entry;
			return true;
		}
	}
	return false;
}

/*
 * Position-independent kernels linked at 0 are moved up, to keep address 0 free for interrupt
 * vectors and firmware. Linux is linked elsewhere and moves itself down.
 */
static int move_up(struct loader *loader, uint64_t ram_size, char *err, size_t err_size)
{
	uint64_t end = loader->image.kernel_base + loader->image.kernel_size;

	if (loader->image.initrd_size)
		end = loader->image.initrd_base + loader->image.initrd_size;
	if (end > ram_size || LOADER_KERNEL_ADDRESS > ram_size - end)
		return FAIL("cannot load kernel %s: it does not fit above 0x%llx in %llu MiB of "
			    "memory",
			    loader->kernel, LOADER_KERNEL_ADDRESS,
			    (unsigned long long)(ram_size >> 20));
	for (unsigned i = 0; i < loader->nr_segments; i++)
		loader->segments[i].address += LOADER_KERNEL_ADDRESS;
	loader->image.kernel_base += LOADER_KERNEL_ADDRESS;
	loader->image.kernel_entry += LOADER_KERNEL_ADDRESS;
	if (loader->image.initrd_size)
		loader->image.initrd_base += LOADER_KERNEL_ADDRESS;
	return 0;
}

static int read_headers(struct loader *loader, uint64_t file_size, uint64_t ram_size, char *err,
			size_t err_size)
{
	uint64_t base = UINT64_MAX, end = 0, linked_at = UINT64_MAX, entry;
	struct elf_file elf;

	if (open_elf(loader, &elf, file_size, err, err_size) < 0)
		return -1;
	loader->image.kernel_little_endian = elf.little_endian;
	for (unsigned i = 0; i < elf.header.e_phnum; i++) {
		Elf64_Phdr phdr;

		if (!elf_file_segment(&elf, i, &phdr))
			return FAIL("cannot load kernel %s: truncated file", loader->kernel);
		if (phdr.p_type != PT_LOAD || !phdr.p_memsz)
			continue;
		if (add_segment(loader, &phdr, file_size, ram_size, err, err_size) < 0)
			return -1;
		if (phdr.p_paddr < base)
			base = phdr.p_paddr;
		if (phdr.p_vaddr < linked_at)
			linked_at = phdr.p_vaddr;
		if (phdr.p_paddr + phdr.p_memsz > end)
			end = phdr.p_paddr + phdr.p_memsz;
	}
	if (!loader->nr_segments)
		return FAIL("cannot load kernel %s: no segments to load", loader->kernel);
	entry = through_descriptor(&elf, elf.header.e_entry);
	if (!translate_entry(&elf, entry, &loader->image.kernel_entry) ||
	    loader->image.kernel_entry & 3)
		return FAIL("cannot load kernel %s: entry 0x%llx is not in its segments",
			    loader->kernel, (unsigned long long)entry);
	loader->image.kernel_base = base;
	loader->image.kernel_size = end - base;
	loader->linked_at_zero = elf.header.e_type == ET_DYN && base == 0 && linked_at == 0;
	return 0;
}

static int open_kernel(struct loader *loader, uint64_t ram_size, char *err, size_t err_size)
{
	uint64_t file_size;

	if (open_regular(loader->kernel, "kernel", &loader->kernel_fd, &file_size, err, err_size) <
	    0)
		return -1;
	return read_headers(loader, file_size, ram_size, err, err_size);
}

static int open_initrd(struct loader *loader, uint64_t ram_size, char *err, size_t err_size)
{
	uint64_t end = loader->image.kernel_base + loader->image.kernel_size;
	uint64_t base = (end + INITRD_ALIGN - 1) & ~(INITRD_ALIGN - 1);

	if (open_regular(loader->initrd, "initrd", &loader->initrd_fd, &loader->image.initrd_size,
			 err, err_size) < 0)
		return -1;
	if (!loader->image.initrd_size)
		return FAIL("cannot load initrd %s: empty file", loader->initrd);
	if (base > ram_size || loader->image.initrd_size > ram_size - base)
		return FAIL(
			"cannot load initrd %s: 0x%llx+0x%llx does not fit in %llu MiB of memory",
			loader->initrd, (unsigned long long)base,
			(unsigned long long)loader->image.initrd_size,
			(unsigned long long)(ram_size >> 20));
	loader->image.initrd_base = base;
	return 0;
}

int loader_open(struct loader *loader, const char *kernel, const char *initrd, uint64_t ram_size,
		char *err, size_t err_size)
{
	memset(loader, 0, sizeof(*loader));
	loader->kernel = kernel;
	loader->initrd = initrd;
	loader->kernel_fd = loader->initrd_fd = loader->bios_fd = -1;
	if (open_kernel(loader, ram_size, err, err_size) < 0 ||
	    (loader->linked_at_zero && move_up(loader, ram_size, err, err_size) < 0) ||
	    (initrd && open_initrd(loader, ram_size, err, err_size) < 0)) {
		loader_close(loader);
		return -1;
	}
	return 0;
}

int loader_open_bios(struct loader *loader, const char *bios, uint64_t ram_size, char *err,
		     size_t err_size)
{
	uint64_t size;

	loader->bios = bios;
	if (open_regular(bios, "bios", &loader->bios_fd, &size, err, err_size) < 0)
		return -1;
	if (!size)
		return FAIL("cannot load bios %s: empty file", bios);
	if (size < LOADER_BIOS_ENTRY + 4)
		return FAIL("cannot load bios %s: %llu bytes, nothing at its entry, 0x%llx", bios,
			    (unsigned long long)size, LOADER_BIOS_ENTRY);
	if (size > LOADER_BIOS_MAX)
		return FAIL("cannot load bios %s: larger than %llu MiB", bios,
			    LOADER_BIOS_MAX >> 20);
	loader->image.bios_size = size;
	if (!loader->nr_segments || loader->linked_at_zero)
		return 0;
	return move_up(loader, ram_size, err, err_size);
}

static int fill(int fd, const char *what, const char *path, struct guest_memory *memory,
		uint64_t address, uint64_t len, uint64_t offset, char *err, size_t err_size)
{
	int ret;

	if (!memory_contains(memory, address, len))
		return FAIL("cannot load %s %s: does not fit in memory", what, path);
	ret = file_read(fd, memory->base + address, len, offset);
	if (ret)
		return FAIL("cannot load %s %s: %s", what, path,
			    ret == -ENODATA ? "truncated file" : strerror(-ret));
	if (memory->written && len)
		memory->written(memory->engine, address, len);
	return 0;
}

int loader_fill(const struct loader *loader, struct guest_memory *memory, char *err,
		size_t err_size)
{
	if (loader->image.bios_size && fill(loader->bios_fd, "bios", loader->bios, memory, 0,
					    loader->image.bios_size, 0, err, err_size) < 0)
		return -1;
	for (unsigned i = 0; i < loader->nr_segments; i++) {
		const struct loader_segment *s = &loader->segments[i];

		if (fill(loader->kernel_fd, "kernel", loader->kernel, memory, s->address,
			 s->file_size, s->file_offset, err, err_size) < 0)
			return -1;
	}
	if (loader->image.initrd_size)
		return fill(loader->initrd_fd, "initrd", loader->initrd, memory,
			    loader->image.initrd_base, loader->image.initrd_size, 0, err, err_size);
	return 0;
}

void loader_close(struct loader *loader)
{
	if (loader->kernel_fd >= 0)
		close(loader->kernel_fd);
	if (loader->initrd_fd >= 0)
		close(loader->initrd_fd);
	if (loader->bios_fd >= 0)
		close(loader->bios_fd);
	loader->kernel_fd = loader->initrd_fd = loader->bios_fd = -1;
}
