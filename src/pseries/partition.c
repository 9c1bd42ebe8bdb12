/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of the partition: creation, reset with the layout of its memory, and the small services that
 * the other files of pseries/ share. What the guest calls is in hcall/ and rtas/.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "pseries/private.h"

/*
 * RTAS and the device tree go as high as a guest can reach them in real mode and with 32-bit RTAS
 * addresses. They stay below 768 MiB, as real firmware does.
 */
#define FIRMWARE_TOP	0x30000000ull
#define FIRMWARE_ALIGN	0x10000ull
/* What RMLS of POWER8's LPCR can say at most. */
#define REAL_MODE_LIMIT (16ull << 30)
/*
 * A kernel clears and allocates memory just after its image, before it has read the device tree's
 * reservations.
 */
#define KERNEL_SLACK	(1ull << 20)

static void say(struct papr *papr, void (*line_to)(void *opaque, const char *line),
		const char *format, va_list args)
{
	char line[256];

	if (!line_to)
		return;
	vsnprintf(line, sizeof(line), format, args);
	line_to(papr->config.host.opaque, line);
}

void papr_debug(struct papr *papr, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(papr, papr->config.host.debug, format, args);
	va_end(args);
}

void papr_warn(struct papr *papr, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(papr, papr->config.host.warning, format, args);
	va_end(args);
}

void papr_event(struct papr *papr, const struct papr_event *event)
{
	const struct papr_host *host = &papr->config.host;

	if (host->event)
		host->event(host->opaque, event);
}

void papr_set_partition(struct papr *papr)
{
	papr->config.engine_ops->set_partition(papr->config.engine, &papr->partition);
}

static void set_external(void *opaque, unsigned server, bool level)
{
	struct papr *papr = opaque;
	const struct papr_config *config = &papr->config;

	config->engine_ops->set_external(config->engine, server, level);
	if (level)
		config->host.vcpu_wake(config->host.opaque, server);
}

void papr_raise(struct papr *papr, uint32_t interrupt)
{
	if (papr->has_xive)
		xive_raise(&papr->xive, interrupt);
	else
		xics_raise(&papr->xics, interrupt);
}

static void raise_interrupt(void *opaque, uint32_t interrupt)
{
	papr_raise(opaque, interrupt);
}

struct engine_description papr_engine(const struct papr *papr)
{
	struct engine_description description;

	papr->config.engine_ops->describe(papr->config.engine, &description);
	return description;
}

uint32_t papr_pvr(const struct papr *papr)
{
	return papr_engine(papr).pvr;
}

bool papr_engine_can(const struct papr *papr, unsigned capabilities)
{
	return !(capabilities & ~papr_engine(papr).capabilities);
}

static bool load_trampolines(struct papr *papr, char *err, size_t err_size)
{
	const struct papr_config *config = &papr->config;
	const struct engine_description engine = papr_engine(papr);

	if (!trampoline_load(config->options.trampoline ? config->options.trampoline : "embedded",
			     config->image.kernel_little_endian, &papr->trampoline, err, err_size))
		return false;
	if (!trampoline_call_by(&papr->trampoline, engine.trap_code, engine.trap_code_length)) {
		snprintf(
			err, err_size,
			"cannot use trampoline %s: more than %u bytes, and this engine needs the rest",
			config->options.trampoline ? config->options.trampoline : "embedded",
			TRAMPOLINE_MAX - 4 * engine.trap_code_length);
		return false;
	}
	return true;
}

/*
 * Choose how events reach the guest, and load the trampolines if they are needed. A source that the
 * user named is checked even if direct delivery is possible: the same options must work on a host
 * where it is not.
 */
static bool choose_delivery(struct papr *papr, char *err, size_t err_size)
{
	const struct papr_config *config = &papr->config;
	bool mc_exit = papr_engine_can(papr, ENGINE_CAP_MC_EXIT);

	if (config->options.delivery == PAPR_DELIVERY_DIRECT) {
		if (config->options.trampoline) {
			snprintf(err, err_size,
				 "cannot use trampoline %s: events are delivered directly",
				 config->options.trampoline);
			return false;
		}
		if (!mc_exit)
			papr_warn(papr,
				  "the engine does not report machine checks and trampolines are "
				  "not wanted: a guest cannot register");
		return true;
	}
	papr->by_trampoline = config->options.delivery == PAPR_DELIVERY_TRAMPOLINE || !mc_exit;
	if (config->options.delivery == PAPR_DELIVERY_AUTO && !mc_exit)
		papr_warn(papr, "the engine does not report machine checks: "
				"trampolines will bring them to the guest's routine");
	return !(papr->by_trampoline || config->options.trampoline) ||
	       load_trampolines(papr, err, err_size);
}

bool papr_ready_to_deliver(struct papr *papr)
{
	const struct papr_config *config = &papr->config;
	const struct engine_ops *ops = config->engine_ops;
	char err[200];

	if (papr->by_trampoline)
		return true;
	if (papr_engine_can(papr, ENGINE_CAP_MC_EXIT) &&
	    (!ops->want_machine_checks || ops->want_machine_checks(config->engine)))
		return true;
	if (config->options.delivery != PAPR_DELIVERY_AUTO)
		return false;
	papr_warn(papr, "the engine turned out not to report machine checks: "
			"trampolines will bring them to the guest's routine");
	papr->by_trampoline = config->options.trampoline ||
			      load_trampolines(papr, err, sizeof(err));
	if (!papr->by_trampoline)
		papr_warn(papr, "%s", err);
	return papr->by_trampoline;
}

/* Does the kernel's command line say so? Linux asks for XICS then. */
static bool disables_xive(const char *bootargs)
{
	static const char word[] = "xive=off";
	const char *at = bootargs;

	while ((at = strstr(at, word)) != NULL) {
		const char after = at[strlen(word)];

		if ((at == bootargs || at[-1] == ' ') && (!after || after == ' '))
			return true;
		at += strlen(word);
	}
	return false;
}

/* XIVE came with ISA 3.0, and needs device memory. */
static const char *lacks_xive(const struct papr *papr)
{
	if (papr_compat(papr)->isa < 300)
		return "this processor has none";
	if (!papr_engine_can(papr, ENGINE_CAP_WINDOWS))
		return "this engine has no device memory";
	return NULL;
}

static bool choose_interrupts(struct papr *papr, char *err, size_t err_size)
{
	const enum papr_interrupts wanted = papr->config.options.interrupts;
	const char *lack = lacks_xive(papr);

	if (wanted == PAPR_INTERRUPTS_XIVE && lack) {
		snprintf(err, err_size, "cannot have XIVE: %s", lack);
		return false;
	}
	papr->has_xive =
		wanted == PAPR_INTERRUPTS_XIVE ||
		(wanted == PAPR_INTERRUPTS_DUAL && !lack && !disables_xive(papr->bootargs));
	if (!papr->has_xive) {
		xics_init(&papr->xics, papr->config.nr_vcpus, set_external, papr);
		return true;
	}
	if (xive_init(&papr->xive, papr->config.nr_vcpus, papr->memory, set_external, papr))
		return true;
	snprintf(err, err_size, "cannot have XIVE: its device memory is taken");
	return false;
}

static void create_devices(struct papr *papr)
{
	const struct papr_config *config = &papr->config;
	unsigned n = 0;

	vty_init(&papr->vty, &config->console, raise_interrupt, papr);
	nvram_init(&papr->nvram);
	rtc_init(&papr->rtc, config->clock);
	papr->devices[n++] = &papr->vty.device;
	papr->devices[n++] = &papr->nvram.device;
	papr->devices[n++] = papr->has_xive ? &papr->xive.device : &papr->xics.device;
	papr->devices[n++] = &papr->rtc.device;
}

static void reset_devices(struct papr *papr)
{
	for (unsigned i = 0; i < PAPR_NR_DEVICES; i++)
		if (papr->devices[i]->type->reset)
			papr->devices[i]->type->reset(papr->devices[i]);
}

static bool can_translate(const struct papr *papr, char *err, size_t err_size)
{
	const enum papr_mmu mmu = papr->config.options.mmu;

	if (papr_engine_can(papr, ENGINE_CAP_RADIX) || mmu == PAPR_MMU_AUTO || mmu == PAPR_MMU_HASH)
		return true;
	snprintf(err, err_size, "this processor's guests translate by a hash table only");
	return false;
}

struct papr_topology papr_topology(struct papr_topology given, unsigned nr_vcpus)
{
	if (!given.threads)
		given.threads = 1;
	if (!given.cores)
		given.cores = (nr_vcpus + given.threads - 1) / given.threads;
	return given;
}

static bool choose_topology(struct papr *papr, char *err, size_t err_size)
{
	const unsigned nr_vcpus = papr->config.nr_vcpus;
	const struct papr_topology topology =
		papr_topology(papr->config.options.topology, nr_vcpus);
	const unsigned threads = topology.threads;

	papr->config.options.topology = topology;
	if (threads > 1 && !papr_engine_can(papr, ENGINE_CAP_DOORBELL)) {
		snprintf(err, err_size, "this engine's cores have one thread each");
		return false;
	}
	if (threads <= PAPR_MAX_THREADS && !(threads & (threads - 1)) && nr_vcpus % threads == 0)
		return true;
	snprintf(err, err_size, "%u vCPUs: not cores of %u threads", nr_vcpus, threads);
	return false;
}

struct papr *papr_create(const struct papr_config *config, char *err, size_t err_size)
{
	struct papr *papr;

	if (!config->nr_vcpus || config->nr_vcpus > ENGINE_MAX_VCPUS) {
		snprintf(err, err_size, "%u vCPUs: not between 1 and %d", config->nr_vcpus,
			 ENGINE_MAX_VCPUS);
		return NULL;
	}
	papr = calloc(1, sizeof(*papr));
	if (papr)
		papr->bootargs = strdup(config->options.bootargs ? config->options.bootargs : "");
	if (!papr || !papr->bootargs) {
		snprintf(err, err_size, "out of memory");
		free(papr);
		return NULL;
	}
	papr->config = *config;
	papr->memory = config->memory;
	if (!choose_topology(papr, err, err_size) || !choose_interrupts(papr, err, err_size) ||
	    !can_translate(papr, err, err_size) || !choose_delivery(papr, err, err_size)) {
		free(papr->bootargs);
		free(papr);
		return NULL;
	}
	create_devices(papr);
	return papr;
}

void papr_destroy(struct papr *papr)
{
	if (!papr)
		return;
	free(papr->fdt);
	free(papr->fwnmi);
	free(papr->bootargs);
	free(papr);
}

/*
 * What code without relocation reaches if it is to be translated by a hash table. A radix guest has
 * no such limit, but firmware that it calls stays within it.
 */
uint64_t papr_real_mode_size(const struct papr *papr)
{
	const uint64_t ram = papr->memory->size;

	return papr->offers_hash && ram > REAL_MODE_LIMIT ? REAL_MODE_LIMIT : ram;
}

/* Ranges that firmware must stay out of. */
struct range {
	uint64_t base, size;
};

/* The highest place for @size bytes below @top that touches none of @taken; 0 if there is none. */
static uint64_t place(uint64_t top, uint64_t size, const struct range *taken, unsigned nr_taken)
{
	uint64_t base;

	size = (size + FIRMWARE_ALIGN - 1) & ~(FIRMWARE_ALIGN - 1);
	if (size >= top)
		return 0;
	base = (top - size) & ~(FIRMWARE_ALIGN - 1);
	for (unsigned i = 0; i < nr_taken;) {
		if (base >= taken[i].base + taken[i].size || taken[i].base >= base + size) {
			i++;
			continue;
		}
		if (taken[i].base <= size)
			return 0;
		base = (taken[i].base - size) & ~(FIRMWARE_ALIGN - 1);
		i = 0;
	}
	return base;
}

/* Decide where RTAS and the device tree go, and put them there. */
static int lay_out(struct papr *papr, char *err, size_t err_size)
{
	const struct papr_config *config = &papr->config;
	uint64_t reach = papr_real_mode_size(papr);
	uint64_t top = reach < FIRMWARE_TOP ? reach : FIRMWARE_TOP;
	struct range taken[] = {
		/*
		 * A relocatable kernel runs at 0 wherever it was loaded. This range also covers the
		 * interrupt vectors.
		 */
		{ 0, config->image.kernel_size + KERNEL_SLACK },
		{ config->image.kernel_base, config->image.kernel_size + KERNEL_SLACK },
		{ 0, config->image.bios_size + KERNEL_SLACK },
		{ config->image.initrd_base, config->image.initrd_size },
		{ 0, 0 }, /* RTAS, once placed */
	};

	papr->rtas_size =
		(uint32_t)(RTAS_CODE_SIZE + fwnmi_rtas_area_size(config->nr_vcpus) + 0xfff) &
		~0xfffu;
	papr->rtas_base = place(top, papr->rtas_size, taken, 4);
	if (!papr->rtas_base || !papr_fwnmi_init(papr, err, err_size)) {
		if (!papr->rtas_base)
			snprintf(err, err_size,
				 "no room in guest memory for RTAS besides kernel and initrd");
		return -1;
	}
	if (!fdt_build(papr, err, err_size))
		return -1;
	taken[4] = (struct range){ papr->rtas_base, papr->rtas_size };
	papr->fdt_base = place(top, papr->fdt_size, taken, ARRAY_SIZE(taken));
	if (!papr->fdt_base ||
	    !memory_write(papr->memory, papr->fdt_base, papr->fdt, papr->fdt_size) ||
	    !rtas_write_entry(papr)) {
		snprintf(err, err_size,
			 "no room in guest memory for the device tree besides kernel and initrd");
		return -1;
	}
	return 0;
}

/*
 * Does the kernel's command line say so? Linux's client of Open Firmware, which there is none of
 * here, takes the first of these, wherever it stands, and asks for a hash table.
 */
static bool disables_radix(const char *bootargs)
{
	static const char word[] = "disable_radix";
	const char *value = strstr(bootargs, word);

	if (!value)
		return false;
	value += strlen(word);
	return *value != '=' || (value[1] && strchr("1yYtT", value[1])) ||
	       !strncasecmp(value, "=on", 3);
}

/* Linux then asks for H_RPT_INVALIDATE instead of GTSE. Can the engine do it? */
static bool leaves_invalidation(const struct papr *papr)
{
	return strstr(papr->bootargs, "radix_hcall_invalidate=on") &&
	       papr_engine_can(papr, ENGINE_CAP_FLUSH_TLB);
}

bool papr_translates_by_hash(const struct papr *papr)
{
	return !papr->partition.radix;
}

/* What ibm,client-architecture-support would settle. */
static void reset_translation(struct papr *papr)
{
	enum papr_mmu mmu = papr->config.options.mmu;

	if (!papr_engine_can(papr, ENGINE_CAP_RADIX))
		mmu = PAPR_MMU_HASH;
	else if (mmu == PAPR_MMU_AUTO)
		mmu = papr_engine_can(papr, ENGINE_CAP_HASH_TABLE) &&
				      disables_radix(papr->bootargs) ?
			      PAPR_MMU_HASH :
			      PAPR_MMU_RADIX;
	papr->offers_radix = mmu != PAPR_MMU_HASH;
	papr->offers_hash = mmu != PAPR_MMU_RADIX;
	papr->offers_gtse = papr->offers_radix && !leaves_invalidation(papr);
	papr->partition = (struct engine_partition){
		.radix = papr->offers_radix,
		.gtse = papr->offers_gtse,
		.real_mode_size = papr_real_mode_size(papr),
	};
	hash_table_reset(papr);
	papr_set_partition(papr);
}

int papr_reset(struct papr *papr, char *err, size_t err_size)
{
	const struct papr_config *config = &papr->config;
	struct engine_regs regs = { 0 };

	for (unsigned i = 0; i < config->nr_vcpus; i++) {
		papr->vcpu[i] = (struct papr_vcpu){ .reset_wanted = false };
	}
	reset_devices(papr);
	papr->errinjct.open = false;
	reset_translation(papr);
	if (lay_out(papr, err, err_size))
		return -1;

	regs.gpr[3] = papr->fdt_base;
	regs.msr = MSR_SF | MSR_ME;
	if (config->image.bios_size) {
		/* Like QEMU: firmware starts where a processor does, with the device tree in r3. */
		regs.nip = VECTOR_SYSTEM_RESET;
	} else {
		/* Kernel entry without Open Firmware: r4 is the kernel's address, r5 is zero. */
		regs.nip = config->image.kernel_entry;
		regs.msr |= config->image.kernel_little_endian ? MSR_LE : 0;
		regs.gpr[4] = config->image.kernel_base;
	}
	config->engine_ops->set_regs(config->engine, 0, &regs);
	return 0;
}

void papr_console_input(struct papr *papr)
{
	vty_input(&papr->vty);
}

struct nvram *papr_nvram(struct papr *papr)
{
	return &papr->nvram;
}

const void *papr_fdt(const struct papr *papr, size_t *size)
{
	*size = papr->fdt_size;
	return papr->fdt;
}
