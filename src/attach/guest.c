/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs behind the stub; see guest.h. Device trees in guest memory are hostile: each is
 * validated as a whole before use. Processes are handled in process.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "base/number.h"
#include "attach/guest.h"
#include "attach/private.h"

#define FDT_MAX_SIZE (4u << 20)
#define FDT_ALIGN    0x1000u
#define KERNEL_ALIGN 0x10000u /* of a relocatable kernel: arch/powerpc/kernel/head_64.S */
#define SEARCH_LIMIT 0x40000000ull
#define SEARCH_BATCH 1024u
#define MAX_BANNER   256

/*
 * QEMU's values from hw/ppc/spapr.h, unchanged since FWNMI was added in 5.1. Used when the guest's
 * device tree is not in its memory.
 */
enum {
	QEMU_OS_TERM = 0x201f,
	QEMU_NMI_REGISTER = 0x202b,
	QEMU_NMI_INTERLOCK = 0x202c,
	/* hw/ppc/spapr.c, "rtas-size": the error log, one slot per CPU, and 8 more bytes. */
	QEMU_ERROR_LOG_MAX = 0x800,
	QEMU_RTAS_CODE = 0x14,
};

bool guest_read_real(struct guest *guest, uint64_t real_address, void *buf, size_t len)
{
	bool there;

	if (!gdb_read_memory(guest->gdb, real_address, buf, len, &there))
		return false;
	return there || gdb_fail(guest->gdb, "the guest has no memory at 0x%" PRIx64, real_address);
}

bool guest_open(struct guest *guest, const struct guest_options *options, char *err,
		size_t err_size)
{
	*guest = (struct guest){ .options = options };
	if (!options->kernel)
		return true;
	guest->symbols = symbols_open(options->kernel, err, err_size);
	if (!guest->symbols)
		return false;
	guest->little_endian = symbols_little_endian(guest->symbols);
	if (!symbols_find(guest->symbols, "_text", &guest->linked_base) &&
	    !symbols_find(guest->symbols, "_stext", &guest->linked_base)) {
		snprintf(err, err_size, "bad kernel %s: it is not Linux (no symbol _text)",
			 options->kernel);
		return false;
	}
	return true;
}

void guest_close(struct guest *guest)
{
	symbols_close(guest->symbols);
	guest->symbols = NULL;
}

bool guest_symbol_real(const struct guest *guest, const char *name, uint64_t *address)
{
	if (!guest->symbols || !symbols_find(guest->symbols, name, address) ||
	    *address < guest->linked_base)
		return false;
	*address = *address - guest->linked_base + guest->kernel_base;
	return true;
}

/* ---- the device tree ---- */

/*
 * Reads a complete, valid device tree at @real_address, malloc()ed. NULL without a failure if there
 * is none.
 */
static void *read_device_tree(struct guest *guest, uint64_t real_address)
{
	uint8_t header[8];
	uint32_t size;
	void *fdt;
	bool there;

	if (!gdb_read_memory(guest->gdb, real_address, header, sizeof(header), &there) || !there)
		return NULL;
	size = fdt_totalsize(header);
	if (fdt_magic(header) != FDT_MAGIC || size < FDT_V1_SIZE || size > FDT_MAX_SIZE)
		return NULL;
	fdt = malloc(size);
	if (!fdt)
		return NULL;
	if (gdb_read_memory(guest->gdb, real_address, fdt, size, &there) && there &&
	    fdt_check_full(fdt, size) == 0)
		return fdt;
	free(fdt);
	return NULL;
}

static bool get_cell(const void *fdt, int node, const char *name, uint32_t *value)
{
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, name, &len);

	*value = 0;
	if (!cell || len != 4)
		return false;
	*value = fdt32_to_cpu(*cell);
	return true;
}

static bool take_rtas(struct guest *guest, const void *fdt)
{
	int node = fdt_path_offset(fdt, "/rtas");
	uint32_t base, entry, size;

	if (node < 0 || !get_cell(fdt, node, "linux,rtas-base", &base) ||
	    !get_cell(fdt, node, "rtas-size", &size))
		return false;
	if (!get_cell(fdt, node, "linux,rtas-entry", &entry))
		entry = base;
	guest->rtas_base = base;
	guest->rtas_entry = entry;
	guest->rtas_size = size;
	get_cell(fdt, node, "ibm,nmi-register", &guest->nmi_register);
	get_cell(fdt, node, "ibm,nmi-register-2", &guest->nmi_register2);
	get_cell(fdt, node, "ibm,nmi-interlock", &guest->nmi_interlock);
	get_cell(fdt, node, "ibm,os-term", &guest->os_term);
	guest->has_rtas = true;
	return true;
}

static bool take_rtas_at(struct guest *guest, uint64_t real_address)
{
	void *fdt = read_device_tree(guest, real_address);
	bool ok = fdt && take_rtas(guest, fdt);

	free(fdt);
	return ok;
}

/*
 * Firmware's own tree, without an instantiated RTAS, may lie before the one that Linux built from
 * it.
 */
static enum guest_found search_device_tree(struct guest *guest)
{
	uint8_t *words = malloc(SEARCH_BATCH * 8);
	unsigned there = SEARCH_BATCH;
	enum guest_found found = words ? GUEST_NOT_YET : GUEST_FAILED;

	for (uint64_t at = 0; found == GUEST_NOT_YET && at < SEARCH_LIMIT && there == SEARCH_BATCH;
	     at += (uint64_t)SEARCH_BATCH * FDT_ALIGN) {
		if (!gdb_read_words(guest->gdb, at, FDT_ALIGN, SEARCH_BATCH, 8, words, &there)) {
			found = GUEST_FAILED;
			break;
		}
		for (unsigned i = 0; i < there && found == GUEST_NOT_YET; i++) {
			if (fdt_magic(words + (size_t)i * 8) == FDT_MAGIC &&
			    take_rtas_at(guest, at + (uint64_t)i * FDT_ALIGN))
				found = GUEST_FOUND;
		}
	}
	free(words);
	return found;
}

static bool read_pointer(struct guest *guest, uint64_t real_address, uint64_t *pointer)
{
	uint8_t raw[8];
	bool there;

	*pointer = 0;
	if (!gdb_read_memory(guest->gdb, real_address, raw, sizeof(raw), &there) || !there)
		return false;
	*pointer = remote_number(raw, 8, guest->little_endian);
	return true;
}

/* Uses the kernel's own pointer to the device tree. */
static bool follow_device_tree(struct guest *guest)
{
	uint64_t variable, fdt;

	return guest_symbol_real(guest, "initial_boot_params", &variable) &&
	       read_pointer(guest, variable, &fdt) && remote_is_linear(fdt) &&
	       take_rtas_at(guest, remote_linear_to_real(fdt));
}

static uint32_t qemu_rtas_size(const struct guest *guest)
{
	return QEMU_RTAS_CODE + QEMU_ERROR_LOG_MAX + gdb_nr_cpus(guest->gdb) * 16 + 8;
}

enum guest_found guest_find_rtas(struct guest *guest)
{
	const struct guest_options *o = guest->options;
	enum guest_found found = GUEST_FOUND;

	if (guest->has_rtas)
		return GUEST_FOUND;
	if (!guest->kernel_found || !follow_device_tree(guest)) {
		if (gdb_error(guest->gdb)[0])
			return GUEST_FAILED;
		if (o->has_rtas) {
			guest->nmi_register = QEMU_NMI_REGISTER;
			guest->nmi_interlock = QEMU_NMI_INTERLOCK;
			guest->os_term = QEMU_OS_TERM;
			guest->rtas_size = qemu_rtas_size(guest);
			guest->has_rtas = true;
		} else {
			found = search_device_tree(guest);
		}
	}
	if (found == GUEST_FOUND && o->has_rtas) {
		guest->rtas_base = guest->rtas_entry = o->rtas_base;
		if (o->rtas_size)
			guest->rtas_size = o->rtas_size;
	}
	return found;
}

/* ---- the kernel ---- */

/* A kernel that is loaded but not started is in memory too, but has no device tree. */
static bool runs_at(struct guest *guest, uint64_t base, const char *banner, uint64_t offset,
		    bool *banner_seen)
{
	char text[MAX_BANNER];
	size_t len = strlen(banner);
	bool there;

	if (!gdb_read_memory(guest->gdb, base + offset, text, len, &there) || !there ||
	    memcmp(text, banner, len) != 0)
		return false;
	*banner_seen = true;
	guest->kernel_base = base;
	return follow_device_tree(guest);
}

enum guest_found guest_find_kernel(struct guest *guest)
{
	char banner[MAX_BANNER];
	uint64_t linked, offset;
	uint8_t *words;
	unsigned there = SEARCH_BATCH;
	bool banner_seen = false;

	if (guest->kernel_found)
		return GUEST_FOUND;
	if (!symbols_find(guest->symbols, "linux_banner", &linked) ||
	    !symbols_read(guest->symbols, linked, banner, 32)) {
		gdb_fail(guest->gdb, "bad kernel %s: it is not Linux (no linux_banner)",
			 guest->options->kernel);
		return GUEST_FAILED;
	}
	/* It is a string: read as much of it as the file has. */
	for (size_t len = 32; len < sizeof(banner); len++) {
		if (!symbols_read(guest->symbols, linked, banner, len + 1))
			break;
		banner[len] = '\0';
		if (strlen(banner) < len)
			break;
	}
	offset = linked - guest->linked_base;
	words = malloc(SEARCH_BATCH * 16);
	if (!words)
		return GUEST_FAILED;
	guest->kernel_found = runs_at(guest, 0, banner, offset, &banner_seen);
	for (uint64_t base = 0;
	     !guest->kernel_found && base < SEARCH_LIMIT && there == SEARCH_BATCH;
	     base += (uint64_t)SEARCH_BATCH * KERNEL_ALIGN) {
		if (!gdb_read_words(guest->gdb, base + offset, KERNEL_ALIGN, SEARCH_BATCH, 16,
				    words, &there))
			break;
		for (unsigned i = 0; i < there && !guest->kernel_found; i++) {
			if (!memcmp(words + (size_t)i * 16, banner, 16))
				guest->kernel_found = runs_at(guest,
							      base + (uint64_t)i * KERNEL_ALIGN,
							      banner, offset, &banner_seen);
		}
	}
	free(words);
	if (gdb_error(guest->gdb)[0])
		return GUEST_FAILED;
	if (guest->kernel_found)
		return GUEST_FOUND;
	return banner_seen ? GUEST_NOT_YET : GUEST_WRONG_KERNEL;
}

/*
 * Linux registers addresses in its first bytes, wherever it runs:
 * arch/powerpc/platforms/pseries/setup.c.
 */
enum guest_found guest_find_routines(struct guest *guest, uint64_t *system_reset,
				     uint64_t *machine_check)
{
	uint64_t active;
	uint8_t flag[4];

	if (!symbols_find(guest->symbols, "system_reset_fwnmi", system_reset) ||
	    !symbols_find(guest->symbols, "machine_check_fwnmi", machine_check)) {
		gdb_fail(guest->gdb,
			 "bad kernel %s: it does not support FWNMI (no machine_check_fwnmi)",
			 guest->options->kernel);
		return GUEST_FAILED;
	}
	*system_reset -= guest->linked_base;
	*machine_check -= guest->linked_base;
	if (!guest_symbol_real(guest, "fwnmi_active", &active))
		return GUEST_FOUND;
	if (!guest_read_real(guest, active, flag, sizeof(flag)))
		return GUEST_FAILED;
	return remote_number(flag, 4, guest->little_endian) ? GUEST_FOUND : GUEST_NOT_YET;
}

/* ---- places ---- */

bool guest_place(struct guest *guest, const char *text, uint64_t *address, uint64_t *local)
{
	char name[200];
	const char *plus = strchr(text, '+');
	size_t len = plus ? (size_t)(plus - text) : strlen(text);
	uint64_t offset = 0;

	if (plus && !number_parse(plus + 1, strlen(plus + 1), &offset))
		return gdb_fail(guest->gdb, "bad place %s: not SYMBOL+OFFSET", text);
	if (number_parse(text, strlen(text), address)) {
		*local = *address;
		return true;
	}
	if (!guest->symbols)
		return gdb_fail(
			guest->gdb,
			"the address of %s is unknown: give the guest's kernel: --kernel VMLINUX",
			text);
	if (len >= sizeof(name))
		return gdb_fail(guest->gdb, "bad place %s: the name is too long", text);
	memcpy(name, text, len);
	name[len] = '\0';
	if (!symbols_find(guest->symbols, name, address) ||
	    !symbols_local_entry(guest->symbols, name, local))
		return gdb_fail(guest->gdb, "kernel %s has no symbol %s", guest->options->kernel,
				name);
	/* A kernel that does not run at 0 has its effective addresses moved by the same offset. */
	*address += guest->kernel_base + offset;
	*local = plus ? *address : *local + guest->kernel_base;
	return true;
}
