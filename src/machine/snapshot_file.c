/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots in files: see snapshot_file.h. A file comes from outside and is not trusted. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/build_id.h"
#include "base/crc32c.h"
#include "base/file_io.h"
#include "base/huge_pages.h"
#include "base/new_file.h"
#include "machine/private.h"
#include "machine/snapshot_file.h"

#define VERSION	    1u
#define BUILD_SIZE  100u
#define END_OF_FILE 0xffffffffu

/* Where things are in the prefix. */
enum {
	AT_VERSION = 8,
	AT_LENGTH = 12,
	AT_CRC = 20,
	AT_BUILD = 24,
	AT_PREFIX_CRC = AT_BUILD + BUILD_SIZE,
	PREFIX_SIZE = AT_PREFIX_CRC + 4,
};

static const uint8_t magic[8] = { 'F', 'W', 'N', 'M', 'I', 's', 'n', 'p' };

#define LEVEL	       1 /* memory is written faster than a disk takes it */
#define MAX_WINDOW_LOG 23 /* what a frame may make its reader keep: 8 MiB */
#define BUFFER	       (1u << 17)
#define MAX_BOOTARGS   (1u << 20)
#define MAX_STATE      (16u << 20)

/* ---- the configuration ---- */

struct saved_config {
	uint64_t ram_size;
	unsigned nr_vcpus;
	struct papr_topology topology;
	uint32_t pvr, logical_pvr; /* of the processor, and of what it is compatible with */
	enum clock_mode clock;
	bool no_mc_exit, fwnmi_strict, errinjct;
	enum fwnmi_stale_policy stale_handler;
	enum fwnmi_nested_policy nested_machine_check;
	enum papr_delivery delivery;
	enum papr_mmu mmu;
	enum papr_interrupts interrupts;
	struct boot_image image;
};

#define NUMBER(member, max) RECORD_NUMBER(struct saved_config, member, max)

static const struct record_field fields[] = {
	NUMBER(ram_size, MACHINE_MAX_RAM),
	NUMBER(nr_vcpus, ENGINE_MAX_VCPUS),
	NUMBER(topology.threads, PAPR_MAX_THREADS),
	NUMBER(topology.cores, ENGINE_MAX_VCPUS),
	NUMBER(pvr, UINT32_MAX),
	NUMBER(logical_pvr, UINT32_MAX),
	NUMBER(clock, CLOCK_INSN),
	NUMBER(no_mc_exit, true),
	NUMBER(fwnmi_strict, true),
	NUMBER(errinjct, true),
	NUMBER(stale_handler, FWNMI_STALE_END),
	NUMBER(nested_machine_check, FWNMI_NESTED_DROP),
	NUMBER(delivery, PAPR_DELIVERY_TRAMPOLINE),
	NUMBER(mmu, PAPR_MMU_EITHER),
	NUMBER(interrupts, PAPR_INTERRUPTS_DUAL),
	NUMBER(image.kernel_base, MACHINE_MAX_RAM),
	NUMBER(image.kernel_entry, UINT64_MAX),
	NUMBER(image.kernel_size, MACHINE_MAX_RAM),
	NUMBER(image.kernel_little_endian, true),
	NUMBER(image.initrd_base, MACHINE_MAX_RAM),
	NUMBER(image.initrd_size, MACHINE_MAX_RAM),
	NUMBER(image.bios_size, MACHINE_MAX_RAM),
};

static const struct record_type config_record = {
	.name = "configuration",
	.size = sizeof(struct saved_config),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
};

#define CONFIG_ROOM 2048u /* bytes, for its record */

_Static_assert(sizeof(fields) / sizeof(fields[0]) * 60 < CONFIG_ROOM, "room for all");

static struct saved_config config_of(const struct machine *machine)
{
	const struct machine_config *config = &machine->config;

	return (struct saved_config){
		.ram_size = config->ram_size,
		.nr_vcpus = config->nr_vcpus,
		.topology = papr_topology(config->partition.topology, config->nr_vcpus),
		.pvr = config->cpu->pvr,
		.logical_pvr = config->compat->logical_pvr,
		.clock = config->clock,
		.no_mc_exit = config->no_mc_exit,
		.fwnmi_strict = config->partition.fwnmi_strict,
		.errinjct = config->partition.errinjct,
		.stale_handler = config->partition.stale_handler,
		.nested_machine_check = config->partition.nested_machine_check,
		.delivery = config->partition.delivery,
		.mmu = config->partition.mmu,
		.interrupts = config->partition.interrupts,
		.image = machine->loader.image,
	};
}

/* What the saved processor is compatible with; NULL: not with that. */
static const struct cpu_model *compat_of(const struct saved_config *saved)
{
	const struct cpu_model *cpu = cpu_model_with_pvr(saved->pvr);
	const struct cpu_model *compat = cpu_model_with_logical_pvr(saved->logical_pvr);

	return cpu && compat && cpu_model_can_be(cpu, compat) ? compat : NULL;
}

/* What is different, or NULL. */
static const char *difference(const struct saved_config *a, const struct saved_config *b)
{
	if (a->ram_size != b->ram_size)
		return "amount of memory";
	if (a->nr_vcpus != b->nr_vcpus)
		return "number of vCPUs";
	if (a->topology.threads != b->topology.threads || a->topology.cores != b->topology.cores)
		return "topology of vCPUs";
	if (a->pvr != b->pvr || a->logical_pvr != b->logical_pvr)
		return "processor";
	if (a->clock != b->clock)
		return "clock";
	if (a->no_mc_exit != b->no_mc_exit)
		return "report of the engine's machine checks";
	if (a->fwnmi_strict != b->fwnmi_strict)
		return "strictness of FWNMI";
	if (a->errinjct != b->errinjct)
		return "ibm,errinjct";
	if (a->stale_handler != b->stale_handler)
		return "policy for stale handlers";
	if (a->nested_machine_check != b->nested_machine_check)
		return "policy for nested machine checks";
	if (a->delivery != b->delivery)
		return "way of delivery";
	if (a->mmu != b->mmu)
		return "way of translation";
	if (a->interrupts != b->interrupts)
		return "interrupt controller";
	if (a->image.kernel_base != b->image.kernel_base ||
	    a->image.kernel_size != b->image.kernel_size ||
	    a->image.initrd_base != b->image.initrd_base ||
	    a->image.initrd_size != b->image.initrd_size ||
	    a->image.bios_size != b->image.bios_size)
		return "kernel, initrd or firmware";
	return NULL;
}

static void build_text(char text[BUILD_SIZE])
{
	char id[BUILD_ID_MAX];

	build_id(id);
	memset(text, 0, BUILD_SIZE);
	snprintf(text, BUILD_SIZE, "fwnmi %s, build %s", FWNMI_VERSION, *id ? id : "unknown");
}

/* ---- writing ---- */

struct writer {
	int fd;
	ZSTD_CCtx *zstd;
	uint64_t length; /* of the frame, so far */
	uint32_t crc;
	int error; /* the first one's negative number */
	uint8_t buffer[BUFFER];
};

static void put(struct writer *w, const void *bytes, size_t size, ZSTD_EndDirective directive)
{
	ZSTD_inBuffer in = { bytes, size, 0 };
	size_t left = 1;

	while (!w->error && (in.pos < in.size || (directive == ZSTD_e_end && left))) {
		ZSTD_outBuffer out = { w->buffer, sizeof(w->buffer), 0 };

		left = ZSTD_compressStream2(w->zstd, &out, &in, directive);
		if (ZSTD_isError(left))
			w->error = -ENOMEM;
		else
			w->error = file_write(w->fd, w->buffer, out.pos, PREFIX_SIZE + w->length);
		w->crc = crc32c(w->crc, w->buffer, out.pos);
		w->length += out.pos;
	}
}

static void put_number(struct writer *w, unsigned bytes, uint64_t value)
{
	uint8_t number[8];

	put_be64(number, value);
	put(w, number + 8 - bytes, bytes, ZSTD_e_continue);
}

struct page_writer {
	struct writer *writer;
	const uint8_t *base;
};

static bool put_page(void *opaque, uint64_t offset)
{
	const struct page_writer *p = opaque;

	put_number(p->writer, 4, offset / MEMORY_PAGE);
	put(p->writer, p->base + offset, MEMORY_PAGE, ZSTD_e_continue);
	return !p->writer->error;
}

static void put_config(struct writer *w, const struct machine *machine)
{
	const char *text = machine->config.partition.bootargs ? machine->config.partition.bootargs :
								"";
	struct saved_config config = config_of(machine);
	uint8_t record[CONFIG_ROOM];
	size_t size = record_save(&config_record, &config, record, sizeof(record));

	put(w, record, size, ZSTD_e_continue);
	put_number(w, 4, strlen(text));
	put(w, text, strlen(text), ZSTD_e_continue);
}

static void put_prefix(struct writer *w)
{
	uint8_t prefix[PREFIX_SIZE];

	memcpy(prefix, magic, sizeof(magic));
	put_be32(prefix + AT_VERSION, VERSION);
	put_be64(prefix + AT_LENGTH, w->length);
	put_be32(prefix + AT_CRC, w->crc);
	build_text((char *)prefix + AT_BUILD);
	put_be32(prefix + AT_PREFIX_CRC, crc32c(0, prefix, AT_PREFIX_CRC));
	if (!w->error)
		w->error = file_write(w->fd, prefix, sizeof(prefix), 0);
}

/* A file that grows larger than it may ends with an error, not with a signal. */
static void put_all(struct writer *w, struct machine *machine, const void *state, size_t size)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct page_writer pages = { w, machine->memory.base };
	struct sigaction former;

	sigaction(SIGXFSZ, &ignore, &former);
	put_config(w, machine);
	put_number(w, 8, size);
	put(w, state, size, ZSTD_e_continue);
	page_map_each(&machine->used, machine->memory.base, memory_extent(&machine->memory),
		      put_page, &pages);
	put_number(w, 4, END_OF_FILE);
	put(w, NULL, 0, ZSTD_e_end);
	put_prefix(w);
	sigaction(SIGXFSZ, &former, NULL);
}

static bool has_mapping(const struct machine *machine, char *err, size_t err_size)
{
	if (machine->config.mapping.path)
		snprintf(err, err_size, "no snapshot of a machine with %s mapped into its memory",
			 machine->config.mapping.path);
	return machine->config.mapping.path;
}

int64_t snapshot_file_write(struct machine *machine, int fd, char *err, size_t err_size)
{
	struct writer *w;
	int64_t result = -1;
	size_t size;
	void *state;

	if (has_mapping(machine, err, err_size))
		return -1;
	state = machine_save(machine, &size, err, err_size);
	if (!state)
		return -1;
	w = calloc(1, sizeof(*w));
	if (w)
		w->zstd = ZSTD_createCCtx();
	if (w && w->zstd &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1))) {
		w->fd = fd;
		put_all(w, machine, state, size);
		if (w->error)
			snprintf(err, err_size, "%s", strerror(-w->error));
		else
			result = (int64_t)(PREFIX_SIZE + w->length);
	} else {
		snprintf(err, err_size, "out of memory");
	}
	if (w)
		ZSTD_freeCCtx(w->zstd);
	free(w);
	free(state);
	return result;
}

int64_t snapshot_file_save(struct machine *machine, const char *path, char *err, size_t err_size)
{
	char *for_dir = strdup(path), *for_name = strdup(path), why[256] = "out of memory";
	int dir = for_dir ? open(dirname(for_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct new_file file = { .fd = -1 };
	int error = dir < 0  ? -errno :
		    for_name ? new_file_begin(&file, dir, basename(for_name)) :
			       -ENOMEM;
	int64_t size = -1;

	if (error) {
		snprintf(why, sizeof(why), "%s", strerror(-error));
	} else {
		size = snapshot_file_write(machine, file.fd, why, sizeof(why));
		if (size >= 0) {
			error = new_file_commit(&file);
			if (error) {
				snprintf(why, sizeof(why), "%s", strerror(-error));
				size = -1;
			}
		}
	}
	new_file_discard(&file);
	if (dir >= 0)
		close(dir);
	free(for_dir);
	free(for_name);
	if (size < 0)
		snprintf(err, err_size, "cannot save %s: %s", path, why);
	return size;
}

/* ---- reading ---- */

struct snapshot_file {
	int fd;
	char *name;
	uint64_t length; /* of the frame */
	uint64_t read; /* of it */
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool at_end; /* the frame is complete, and its checksum right */
	struct saved_config config;
	char *bootargs;
	uint8_t buffer[BUFFER];
};

#define REFUSE(...) (snprintf(err, err_size, __VA_ARGS__), false)

static bool check_prefix(struct snapshot_file *file, const uint8_t *prefix, uint64_t size,
			 char *err, size_t err_size)
{
	char build[BUILD_SIZE];

	if (memcmp(prefix, magic, sizeof(magic)))
		return REFUSE("it is not a snapshot");
	if (get_be32(prefix + AT_VERSION) != VERSION)
		return REFUSE("its version is %u, not %u", get_be32(prefix + AT_VERSION), VERSION);
	if (get_be32(prefix + AT_PREFIX_CRC) != crc32c(0, prefix, AT_PREFIX_CRC))
		return REFUSE("it is damaged");
	build_text(build);
	if (memcmp(prefix + AT_BUILD, build, BUILD_SIZE))
		return REFUSE("another build of the program has saved it: %.*s, not %s",
			      (int)BUILD_SIZE, (const char *)prefix + AT_BUILD, build);
	file->length = get_be64(prefix + AT_LENGTH);
	if (file->length != size - PREFIX_SIZE)
		return REFUSE("it is cut short, or something follows it");
	return true;
}

static bool check_frame(struct snapshot_file *file, uint32_t wanted, char *err, size_t err_size)
{
	uint32_t crc = 0;

	for (uint64_t at = 0; at < file->length;) {
		size_t n = file->length - at < BUFFER ? (size_t)(file->length - at) : BUFFER;
		int error = file_read(file->fd, file->buffer, n, PREFIX_SIZE + at);

		if (error)
			return REFUSE("%s", strerror(-error));
		crc = crc32c(crc, file->buffer, n);
		at += n;
	}
	return crc == wanted || REFUSE("it is damaged");
}

static bool check_all(struct snapshot_file *file, char *err, size_t err_size)
{
	uint8_t prefix[PREFIX_SIZE];
	struct stat st;

	if (fstat(file->fd, &st))
		return REFUSE("%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return REFUSE("it is not a regular file");
	if (st.st_size < PREFIX_SIZE || file_read(file->fd, prefix, sizeof(prefix), 0))
		return REFUSE("it is not a snapshot");
	return check_prefix(file, prefix, (uint64_t)st.st_size, err, err_size) &&
	       check_frame(file, get_be32(prefix + AT_CRC), err, err_size);
}

/* Take more of the file if there is nothing left to decompress. */
static bool refill(struct snapshot_file *file)
{
	size_t n = file->length - file->read < BUFFER ? (size_t)(file->length - file->read) :
							BUFFER;

	if (file->in.pos < file->in.size)
		return true;
	if (!n || file_read(file->fd, file->buffer, n, PREFIX_SIZE + file->read))
		return false;
	file->read += n;
	file->in = (ZSTD_inBuffer){ file->buffer, n, 0 };
	return true;
}

static bool get(struct snapshot_file *file, void *bytes, size_t size)
{
	ZSTD_outBuffer out = { bytes, size, 0 };

	while (out.pos < out.size) {
		size_t rc;

		if (file->at_end || !refill(file))
			return false;
		rc = ZSTD_decompressStream(file->zstd, &out, &file->in);
		if (ZSTD_isError(rc))
			return false;
		file->at_end = !rc;
	}
	return true;
}

/* Is nothing left but the checksum, and is that right? */
static bool get_end(struct snapshot_file *file)
{
	uint8_t nothing;
	ZSTD_outBuffer out = { &nothing, 0, 0 };

	while (!file->at_end) {
		size_t rc, before = file->in.pos;

		if (!refill(file))
			return false;
		rc = ZSTD_decompressStream(file->zstd, &out, &file->in);
		if (ZSTD_isError(rc) || (rc && file->in.pos == before))
			return false;
		file->at_end = !rc;
	}
	return file->in.pos == file->in.size && file->read == file->length;
}

static bool get_number(struct snapshot_file *file, unsigned bytes, uint64_t *value)
{
	uint8_t number[8] = { 0 };

	if (!get(file, number + 8 - bytes, bytes))
		return false;
	*value = get_be64(number);
	return true;
}

static bool get_config(struct snapshot_file *file, char *err, size_t err_size)
{
	const size_t size = record_size(&config_record, &file->config);
	uint8_t record[CONFIG_ROOM];
	uint64_t length;

	if (size > sizeof(record) || !get(file, record, size))
		return REFUSE("it is damaged");
	if (!record_load(&config_record, &file->config, record, size, err, err_size))
		return false;
	if (!cpu_model_with_pvr(file->config.pvr) || !compat_of(&file->config))
		return REFUSE("there is no processor 0x%08x, 0x%08x", file->config.pvr,
			      file->config.logical_pvr);
	if (!get_number(file, 4, &length) || length > MAX_BOOTARGS)
		return REFUSE("it is damaged");
	file->bootargs = calloc(1, length + 1);
	if (!file->bootargs)
		return REFUSE("out of memory");
	return get(file, file->bootargs, length) || REFUSE("it is damaged");
}

struct snapshot_file *snapshot_file_take(int fd, const char *name, char *err, size_t err_size)
{
	struct snapshot_file *file = calloc(1, sizeof(*file));
	char why[256] = "out of memory";

	if (file) {
		file->fd = fd;
		file->name = strdup(name);
		file->zstd = ZSTD_createDCtx();
	} else {
		close(fd);
	}
	if (file && file->name && file->zstd &&
	    !ZSTD_isError(
		    ZSTD_DCtx_setParameter(file->zstd, ZSTD_d_windowLogMax, MAX_WINDOW_LOG)) &&
	    check_all(file, why, sizeof(why)) && get_config(file, why, sizeof(why)))
		return file;
	snprintf(err, err_size, "cannot load %s: %s", name, why);
	snapshot_file_close(file);
	return NULL;
}

struct snapshot_file *snapshot_file_open(const char *path, char *err, size_t err_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		return snapshot_file_take(fd, path, err, err_size);
	snprintf(err, err_size, "cannot load %s: %s", path, strerror(errno));
	return NULL;
}

void snapshot_file_config(const struct snapshot_file *file, struct machine_config *config)
{
	const struct saved_config *saved = &file->config;

	config->ram_size = saved->ram_size;
	config->nr_vcpus = saved->nr_vcpus;
	config->partition.topology = saved->topology;
	config->cpu = cpu_model_with_pvr(saved->pvr);
	config->compat = compat_of(saved);
	config->clock = saved->clock;
	config->no_mc_exit = saved->no_mc_exit;
	config->partition.fwnmi_strict = saved->fwnmi_strict;
	config->partition.errinjct = saved->errinjct;
	config->partition.stale_handler = saved->stale_handler;
	config->partition.nested_machine_check = saved->nested_machine_check;
	config->partition.delivery = saved->delivery;
	config->partition.mmu = saved->mmu;
	config->partition.interrupts = saved->interrupts;
	config->partition.bootargs = file->bootargs;
	config->booted = &saved->image;
}

/* The state, to be given to free(). */
static void *get_state(struct snapshot_file *file, size_t *size)
{
	uint64_t length;
	void *state;

	if (!get_number(file, 8, &length) || length > MAX_STATE)
		return NULL;
	state = malloc(length);
	if (state && get(file, state, length)) {
		*size = length;
		return state;
	}
	free(state);
	return NULL;
}

static bool get_pages(struct snapshot_file *file, uint8_t *base, uint64_t size)
{
	uint64_t next = 0, page;

	while (get_number(file, 4, &page)) {
		if (page == END_OF_FILE)
			return get_end(file);
		if (page < next || page >= size / MEMORY_PAGE ||
		    !get(file, base + page * MEMORY_PAGE, MEMORY_PAGE))
			return false;
		next = page + 1;
	}
	return false;
}

/* Put what is at @from in the place of what is at @to. */
static bool move_memory(uint8_t *to, uint8_t *from, uint64_t size)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

/* Have the machine use @pages. Returns where what it used is now; NULL: nothing has changed. */
static uint8_t *exchange(struct guest_memory *memory, uint8_t *pages)
{
	const uint64_t extent = memory_extent(memory);
	uint8_t *old = huge_pages_map(extent, PROT_NONE);

	if (!old)
		return NULL;
	if (!move_memory(old, memory->base, extent)) {
		munmap(old, extent);
		return NULL;
	}
	if (move_memory(memory->base, pages, extent)) {
		memory->written(memory->engine, 0, memory->size);
		return old;
	}
	move_memory(memory->base, old, extent);
	return NULL;
}

/* Returns what is not needed any more: @pages or the former memory. */
static uint8_t *replace(struct machine *machine, uint8_t *pages, const void *state, size_t size,
			bool *good, char *err, size_t err_size)
{
	struct guest_memory *memory = &machine->memory;
	uint8_t *old = exchange(memory, pages);

	*good = false;
	if (!old) {
		snprintf(err, err_size, "%s", strerror(errno));
		return pages;
	}
	*good = machine_load(machine, state, size, err, err_size);
	if (!*good)
		return exchange(memory, old);
	if (memory->dirty)
		memory->dirty->all = true;
	return old;
}

static bool load(struct snapshot_file *file, struct machine *machine, char *err, size_t err_size)
{
	const uint64_t size = memory_extent(&machine->memory);
	uint8_t *pages = huge_pages_map(size, PROT_READ | PROT_WRITE);
	size_t state_size = 0;
	void *state = NULL;
	bool good = false;

	if (!pages)
		return REFUSE("%s", strerror(errno));
	madvise(pages, size, MADV_HUGEPAGE);
	state = get_state(file, &state_size);
	if (!state || !get_pages(file, pages, size))
		snprintf(err, err_size, "it is damaged");
	else
		pages = replace(machine, pages, state, state_size, &good, err, err_size);
	if (pages)
		munmap(pages, size);
	free(state);
	return good;
}

/* Whoever keeps NVRAM is told what is in it now. */
static void keep_nvram(struct machine *machine)
{
	const struct nvram *nvram = papr_nvram(machine->papr);

	if (nvram->store.write)
		nvram->store.write(nvram->store.opaque, 0, nvram->state.data, NVRAM_SIZE);
}

bool snapshot_file_load(struct snapshot_file *file, struct machine *machine, char *err,
			size_t err_size)
{
	const struct saved_config config = config_of(machine);
	const char *other = difference(&file->config, &config);
	char why[256];

	if (other)
		snprintf(why, sizeof(why), "its machine has another %s", other);
	if (!other && !has_mapping(machine, why, sizeof(why)) &&
	    load(file, machine, why, sizeof(why))) {
		keep_nvram(machine);
		return true;
	}
	snprintf(err, err_size, "cannot load %s: %s", file->name, why);
	return false;
}

void snapshot_file_close(struct snapshot_file *file)
{
	if (!file)
		return;
	close(file->fd);
	ZSTD_freeDCtx(file->zstd);
	free(file->name);
	free(file->bootargs);
	free(file);
}
