/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The KVM engine behind engine.h: creates and closes kvm-hv virtual machines and implements
 * engine_ops. vCPUs are in vcpu.c. See Linux Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kvm/kvm.h"
#include "isa/lpcr.h"
#include "isa/model.h"

/* How long run() with @max_insns 1 lets a vCPU run. */
#define MOMENT_MIN_NS 100000u
#define MOMENT_MAX_NS 2000000u

/* KVM rounds the time base offset up to a multiple of this, so use multiples only. */
#define TB_OFFSET_UNIT (1ull << 24)

#define H_RPT_INVALIDATE 0x448

static struct kvm_engine *kvm_of(struct engine *engine)
{
	return (struct kvm_engine *)engine;
}

__attribute__((format(printf, 3, 4))) static bool refuse(char *err, size_t err_size,
							 const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err, err_size, format, ap);
	va_end(ap);
	return false;
}

static bool cannot(char *err, size_t err_size, const char *what, int rc)
{
	return refuse(err, err_size, "KVM: cannot %s: %s", what, strerror(-rc));
}

/* ---- is there a KVM for us ---- */

static int extension(const struct kvm_sys *sys, int fd, unsigned long capability)
{
	int rc = sys->ioctl(fd, PPC_KVM_CHECK_EXTENSION, capability);

	return rc > 0 ? rc : 0;
}

/* The capabilities that an engine can't do without. */
static bool check_extensions(const struct kvm_sys *sys, int vm_fd, char *err, size_t err_size)
{
	static const struct {
		unsigned long capability;
		const char *name;
	} needed[] = {
		{ KVM_CAP_PPC_PAPR, "PPC_PAPR" },
		{ KVM_CAP_ONE_REG, "ONE_REG" },
		{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
		{ KVM_CAP_PPC_IRQ_LEVEL, "PPC_IRQ_LEVEL" },
	};

	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!extension(sys, vm_fd, needed[i].capability))
			return refuse(err, err_size, "KVM lacks KVM_CAP_%s", needed[i].name);
	if (!extension(sys, vm_fd, KVM_CAP_PPC_MMU_RADIX) &&
	    !extension(sys, vm_fd, KVM_CAP_PPC_ALLOC_HTAB))
		return refuse(err, err_size, "KVM has neither radix nor hash guests");
	return true;
}

static int open_kvm(const struct kvm_sys *sys, char *err, size_t err_size)
{
	int fd = sys->open_kvm(), version;

	if (fd < 0) {
		if (fd == -ENOTSUP)
			refuse(err, err_size, "KVM runs POWER guests on POWER hosts only");
		else
			refuse(err, err_size, "cannot open /dev/kvm: %s", strerror(-fd));
		return -1;
	}
	version = sys->ioctl(fd, PPC_KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		return fd;
	sys->close(fd);
	if (version < 0)
		cannot(err, err_size, "ask /dev/kvm for its version", version);
	else
		refuse(err, err_size, "KVM's interface has version %d, not %d", version,
		       KVM_API_VERSION);
	return -1;
}

static int create_vm(const struct kvm_sys *sys, int kvm_fd, char *err, size_t err_size)
{
	int fd = sys->ioctl(kvm_fd, PPC_KVM_CREATE_VM, KVM_VM_PPC_HV);

	if (fd < 0) {
		if (fd == -EINVAL)
			refuse(err, err_size, "KVM has no kvm-hv (is the module kvm-hv loaded?)");
		else
			cannot(err, err_size, "create a virtual machine", fd);
		return -1;
	}
	if (check_extensions(sys, fd, err, err_size))
		return fd;
	sys->close(fd);
	return -1;
}

bool kvm_available(const struct kvm_sys *sys, char *err, size_t err_size)
{
	int kvm_fd = open_kvm(sys, err, err_size), vm_fd = -1;

	if (kvm_fd < 0)
		return false;
	vm_fd = create_vm(sys, kvm_fd, err, err_size);
	if (vm_fd >= 0)
		sys->close(vm_fd);
	sys->close(kvm_fd);
	return vm_fd >= 0;
}

/* ---- one virtual machine ---- */

static int enable(const struct kvm_sys *sys, int fd, uint32_t capability, uint64_t argument0,
		  uint64_t argument1)
{
	const struct kvm_enable_cap cap = { .cap = capability, .args = { argument0, argument1 } };

	return sys->ioctl(fd, PPC_KVM_ENABLE_CAP, (unsigned long)(uintptr_t)&cap);
}

static bool set_memory(struct kvm_engine *e, char *err, size_t err_size)
{
	const struct guest_memory *memory = e->config.memory;
	const struct kvm_userspace_memory_region region = {
		.guest_phys_addr = 0,
		.memory_size = memory->size,
		.userspace_addr = (uintptr_t)memory->base,
	};
	int rc = vm_ioctl(e, PPC_KVM_SET_USER_MEMORY_REGION, &region);

	return rc < 0 ? cannot(err, err_size, "give memory to the virtual machine", rc) : true;
}

/* Everything a vCPU needs to know before it first runs. */
static bool prepare_vcpu(struct kvm_vcpu *v, char *err, size_t err_size)
{
	struct kvm_engine *e = v->engine;
	const uint32_t compat = cpu_model_power9.logical_pvr; /* as the device tree says */
	const uint64_t dec_expiry = e->sys->timebase() + e->tb_offset + 0x7fffffff;
	struct ppc_kvm_sregs sregs = { 0 };
	int rc;

	rc = enable(e->sys, v->fd, KVM_CAP_PPC_PAPR, 0, 0);
	if (rc < 0)
		return cannot(err, err_size, "make a vCPU one of a PAPR partition", rc);
	rc = vcpu_ioctl(v, PPC_KVM_GET_SREGS, &sregs);
	if (rc < 0)
		return cannot(err, err_size, "ask for a vCPU's processor version", rc);
	e->pvr = sregs.pvr;
	rc = vcpu_set_one(v, PPC_KVM_REG_ARCH_COMPAT, &compat);
	if (rc < 0)
		return cannot(err, err_size, "make a vCPU one of ISA 3.0", rc);
	rc = vcpu_set_one(v, PPC_KVM_REG_TB_OFFSET, &e->tb_offset);
	if (rc >= 0)
		rc = vcpu_set_one(v, PPC_KVM_REG_DEC_EXPIRY, &dec_expiry);
	if (rc < 0)
		return cannot(err, err_size, "set a vCPU's time base", rc);
	memset(&v->regs, 0, sizeof(v->regs));
	v->regs.msr = MSR_SF | MSR_ME;
	v->dar = v->dsisr = 0;
	v->cached = v->dirty = true;
	return true;
}

static bool create_vcpu(struct kvm_engine *e, unsigned index, char *err, size_t err_size)
{
	struct kvm_vcpu *v = &e->vcpus[index];
	int rc;

	*v = (struct kvm_vcpu){ .engine = e, .index = index, .fd = -1 };
	v->fd = e->sys->ioctl(e->vm_fd, PPC_KVM_CREATE_VCPU, index);
	if (v->fd < 0)
		return cannot(err, err_size, "create a vCPU", v->fd);
	v->run = e->sys->map(v->fd, e->run_size);
	if (!v->run)
		return cannot(err, err_size, "map a vCPU's state", -errno);
	if (!prepare_vcpu(v, err, err_size))
		return false;
	rc = vcpu_start_thread(v);
	return rc ? cannot(err, err_size, "start a vCPU's thread", -rc) : true;
}

static void close_vm(struct kvm_engine *e)
{
	for (unsigned i = 0; i < e->config.nr_vcpus; i++) {
		struct kvm_vcpu *v = &e->vcpus[i];

		vcpu_end_thread(v);
		if (v->run)
			e->sys->unmap(v->run, e->run_size);
		if (v->fd >= 0)
			e->sys->close(v->fd);
		*v = (struct kvm_vcpu){ .engine = e, .index = i, .fd = -1 };
	}
	if (e->vm_fd >= 0)
		e->sys->close(e->vm_fd);
	e->vm_fd = -1;
}

static bool open_vm(struct kvm_engine *e, char *err, size_t err_size)
{
	const struct kvm_sys *sys = e->sys;
	uint64_t now;

	e->used = e->partition_known = false;
	e->broken[0] = '\0';
	e->vm_fd = create_vm(sys, e->kvm_fd, err, err_size);
	if (e->vm_fd < 0 || !set_memory(e, err, err_size))
		return false;
	e->mc_exit = !e->config.no_mc_exit && extension(sys, e->vm_fd, KVM_CAP_PPC_FWNMI);
	e->ail = extension(sys, e->vm_fd, KVM_CAP_PPC_AIL_MODE_3);
	e->radix = extension(sys, e->vm_fd, KVM_CAP_PPC_MMU_RADIX);
	/* Once told to, KVM handles the call itself. */
	e->flush_tlb = extension(sys, e->vm_fd, KVM_CAP_PPC_RPT_INVALIDATE) &&
		       enable(sys, e->vm_fd, KVM_CAP_PPC_ENABLE_HCALL, H_RPT_INVALIDATE, 1) >= 0;
	/* The guest's time begins at zero or soon after it. */
	now = sys->timebase();
	e->tb_offset = (TB_OFFSET_UNIT - 1 - now) & ~(TB_OFFSET_UNIT - 1);
	e->config.clock->offset = now + e->tb_offset - clock_host_ticks();
	for (unsigned i = 0; i < e->config.nr_vcpus; i++)
		if (!create_vcpu(e, i, err, err_size))
			return false;
	return true;
}

/* ---- engines ---- */

static void engine_destroy(struct engine *engine)
{
	struct kvm_engine *e = kvm_of(engine);

	if (!e)
		return;
	close_vm(e);
	e->sys->close(e->kvm_fd);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

struct engine *kvm_create(const struct kvm_sys *sys, const struct engine_config *config, char *err,
			  size_t err_size)
{
	uint32_t hz = sys->timebase_hz();
	struct kvm_engine *e;
	pthread_condattr_t attr;
	int kvm_fd, size;

	if (config->clock->mode == CLOCK_INSN) {
		refuse(err, err_size, "KVM cannot count instructions");
		return NULL;
	}
	if (hz && hz != TIMEBASE_HZ) {
		refuse(err, err_size, "this host's time base has %u Hz, partitions have %u", hz,
		       TIMEBASE_HZ);
		return NULL;
	}
	kvm_fd = open_kvm(sys, err, err_size);
	if (kvm_fd < 0)
		return NULL;
	size = sys->ioctl(kvm_fd, PPC_KVM_GET_VCPU_MMAP_SIZE, 0);
	e = size < 0 ? NULL : calloc(1, sizeof(*e));
	if (!e) {
		cannot(err, err_size, "allocate an engine", size < 0 ? size : -ENOMEM);
		sys->close(kvm_fd);
		return NULL;
	}
	e->config = *config;
	e->sys = sys;
	e->kvm_fd = kvm_fd;
	e->vm_fd = -1;
	e->run_size = (size_t)size;
	e->random = 1;
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &attr);
	pthread_condattr_destroy(&attr);
	for (unsigned i = 0; i < config->nr_vcpus; i++)
		e->vcpus[i] = (struct kvm_vcpu){ .engine = e, .index = i, .fd = -1 };
	if (!open_vm(e, err, err_size)) {
		engine_destroy((struct engine *)e);
		return NULL;
	}
	return (struct engine *)e;
}

/* Nothing has run, and nothing has gone wrong. */
static bool pristine(const struct kvm_engine *e)
{
	for (unsigned i = 0; i < e->config.nr_vcpus; i++)
		if (e->vcpus[i].broken[0])
			return false;
	return !e->used && !e->broken[0];
}

/* Only a new VM is sure to forget KVM's state of a guest: VPAs, FWNMI, every register. */
static void engine_reset(struct engine *engine)
{
	struct kvm_engine *e = kvm_of(engine);

	if (pristine(e))
		return;
	close_vm(e);
	/* If that fails, run() says why. */
	open_vm(e, e->broken, sizeof(e->broken));
}

static void engine_describe(const struct engine *engine, struct engine_description *description)
{
	const struct kvm_engine *e = (const struct kvm_engine *)engine;

	*description = (struct engine_description){
		.capabilities = ENGINE_CAP_THREADS | (e->mc_exit ? ENGINE_CAP_MC_EXIT : 0) |
				(e->ail ? ENGINE_CAP_AIL : 0) |
				(e->flush_tlb ? ENGINE_CAP_FLUSH_TLB : 0) |
				(e->radix ? ENGINE_CAP_RADIX : 0),
		.pvr = e->pvr,
		.trap_code = vcpu_trap_code,
		.trap_code_length = VCPU_TRAP_CODE_LENGTH,
	};
}

/* ---- running ---- */

static bool broken(const struct kvm_engine *e, const struct kvm_vcpu *v, struct engine_exit *exit)
{
	const char *why = e->broken[0] ? e->broken : v->broken;

	if (!*why)
		return false;
	exit->reason = ENGINE_EXIT_FAILED;
	snprintf(exit->message, sizeof(exit->message), "%s", why);
	return true;
}

/* The length varies so that it does not fall into step with the guest. */
static uint64_t moment(struct kvm_engine *e)
{
	e->random = e->random * 1664525 + 1013904223;
	return MOMENT_MIN_NS + (e->random >> 8) % (MOMENT_MAX_NS - MOMENT_MIN_NS);
}

static void engine_run(struct engine *engine, unsigned vcpu, uint64_t max_insns,
		       struct engine_exit *exit)
{
	struct kvm_engine *e = kvm_of(engine);
	struct kvm_vcpu *v = &e->vcpus[vcpu];

	memset(exit, 0, sizeof(*exit));
	exit->reason = ENGINE_EXIT_KICKED;
	if (__atomic_exchange_n(&v->kicked, 0, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&e->lock);
	if (v->state == KVM_VCPU_STILL && !broken(e, v, exit))
		vcpu_let_go(v);
	if (max_insns == 1) {
		vcpu_wait(v, moment(e));
		vcpu_halt(v);
	}
	if (v->state == KVM_VCPU_EXITED) {
		*exit = v->exit;
		v->state = KVM_VCPU_STILL;
	} else if (v->state == KVM_VCPU_RUNNING) {
		exit->reason = ENGINE_EXIT_RUNNING;
	}
	if (v->state == KVM_VCPU_STILL)
		broken(e, v, exit);
	pthread_mutex_unlock(&e->lock);
}

static void halt_all(struct kvm_engine *e)
{
	for (unsigned i = 0; i < e->config.nr_vcpus; i++)
		vcpu_halt(&e->vcpus[i]);
}

static void engine_stop(struct engine *engine)
{
	struct kvm_engine *e = kvm_of(engine);

	pthread_mutex_lock(&e->lock);
	halt_all(e);
	pthread_mutex_unlock(&e->lock);
}

static void engine_kick(struct engine *engine, unsigned vcpu)
{
	__atomic_store_n(&kvm_of(engine)->vcpus[vcpu].kicked, 1, __ATOMIC_RELAXED);
}

/* ---- what the machine reads and writes ---- */

/* Stop the vCPU between two instructions and load its registers. */
static struct kvm_vcpu *hold(struct engine *engine, unsigned vcpu)
{
	struct kvm_engine *e = kvm_of(engine);
	struct kvm_vcpu *v = &e->vcpus[vcpu];

	pthread_mutex_lock(&e->lock);
	vcpu_stand_still(v);
	pthread_mutex_unlock(&e->lock);
	if (v->fd >= 0)
		vcpu_load(v);
	return v;
}

static void engine_get_regs(struct engine *engine, unsigned vcpu, struct engine_regs *regs)
{
	const struct kvm_vcpu *v = hold(engine, vcpu);

	*regs = (struct engine_regs){
		.nip = v->regs.pc,
		.msr = v->regs.msr,
		.lr = v->regs.lr,
		.ctr = v->regs.ctr,
		.cr = (uint32_t)v->regs.cr,
		.dsisr = v->dsisr,
		.xer = v->regs.xer,
		.srr0 = v->regs.srr0,
		.srr1 = v->regs.srr1,
		.dar = v->dar,
	};
	memcpy(regs->gpr, v->regs.gpr, sizeof(regs->gpr));
	memcpy(regs->sprg, v->regs.sprg, sizeof(regs->sprg));
}

static void engine_set_regs(struct engine *engine, unsigned vcpu, const struct engine_regs *regs)
{
	struct kvm_vcpu *v = hold(engine, vcpu);

	memcpy(v->regs.gpr, regs->gpr, sizeof(regs->gpr));
	memcpy(v->regs.sprg, regs->sprg, sizeof(regs->sprg));
	v->regs.pc = regs->nip & ~3ull;
	v->regs.msr = regs->msr;
	v->regs.lr = regs->lr;
	v->regs.ctr = regs->ctr;
	v->regs.cr = regs->cr;
	v->regs.xer = regs->xer;
	v->regs.srr0 = regs->srr0;
	v->regs.srr1 = regs->srr1;
	v->dar = regs->dar;
	v->dsisr = regs->dsisr;
	v->dirty = true;
}

/* KVM accepts this at any time; it wakes a vCPU that sleeps in H_CEDE. */
static void engine_set_external(struct engine *engine, unsigned vcpu, bool level)
{
	const struct kvm_interrupt irq = { .irq = level ? PPC_KVM_INTERRUPT_SET_LEVEL :
							  PPC_KVM_INTERRUPT_UNSET };
	struct kvm_vcpu *v = &kvm_of(engine)->vcpus[vcpu];
	int rc;

	if (v->external == level)
		return;
	v->external = level;
	rc = vcpu_ioctl(v, PPC_KVM_INTERRUPT, &irq);
	if (rc >= 0)
		return;
	/*
	 * Stop the vCPU first: while it runs nobody would see the failure, and its thread may have
	 * one of its own to report.
	 */
	engine_stop(engine);
	vcpu_break(v, "signal an interrupt", -rc);
}

static bool set_lpcr(struct kvm_vcpu *v, const struct engine_partition *p)
{
	uint64_t lpcr = 0;
	int rc = vcpu_get_one(v, PPC_KVM_REG_LPCR, &lpcr);

	lpcr &= ~(LPCR_ILE | LPCR_AIL);
	lpcr |= (p->interrupt_little_endian ? LPCR_ILE : 0) | (p->ail == 3 ? LPCR_AIL_3 : 0);
	if (rc >= 0)
		rc = vcpu_set_one(v, PPC_KVM_REG_LPCR, &lpcr);
	if (rc < 0)
		vcpu_break(v, "set LPCR", -rc);
	return rc >= 0;
}

static int set_translation(struct kvm_engine *e, const struct engine_partition *p)
{
	struct ppc_kvm_mmuv3_cfg config = { 0 };
	uint32_t order = p->hash_table_order;
	int rc;

	if (p->radix) {
		config.flags = PPC_KVM_MMUV3_RADIX | (p->gtse ? PPC_KVM_MMUV3_GTSE : 0);
		config.process_table = PATB_GR | p->process_table;
		if (p->process_table_size)
			config.process_table |=
				(uint64_t)__builtin_ctzll(p->process_table_size) - 12;
		return vm_ioctl(e, PPC_KVM_CONFIGURE_V3_MMU, &config);
	}
	rc = vm_ioctl(e, PPC_KVM_ALLOCATE_HTAB, &order);
	/* An ISA 2.07 processor has nothing to switch. */
	if (rc >= 0 && extension(e->sys, e->vm_fd, KVM_CAP_PPC_MMU_HASH_V3))
		rc = vm_ioctl(e, PPC_KVM_CONFIGURE_V3_MMU, &config);
	return rc;
}

static void engine_set_partition(struct engine *engine, const struct engine_partition *partition)
{
	struct kvm_engine *e = kvm_of(engine);
	bool translation = !e->partition_known || partition->radix != e->partition.radix ||
			   partition->gtse != e->partition.gtse ||
			   partition->process_table != e->partition.process_table ||
			   partition->process_table_size != e->partition.process_table_size;
	int rc;

	if (e->broken[0])
		return;
	/* KVM does not allow changes to a running vCPU. */
	engine_stop(engine);
	if (translation) {
		rc = set_translation(e, partition);
		if (rc < 0)
			cannot(e->broken, sizeof(e->broken),
			       partition->radix ? "translate by radix trees" :
						  "translate by a hash table",
			       rc);
	}
	e->partition = *partition;
	e->partition_known = true;
	for (unsigned i = 0; i < e->config.nr_vcpus; i++)
		if (!set_lpcr(&e->vcpus[i], partition))
			return;
}

/* KVM caches translations, and forgets what the guest changes. */
static void engine_flush_tlb(struct engine *engine, bool slb)
{
}

/*
 * Guests that do not invalidate translations themselves call H_RPT_INVALIDATE. KVM handles it, so
 * it never gets here.
 */
static void engine_flush_process(struct engine *engine, uint32_t pid, uint64_t first, uint64_t last,
				 bool planted)
{
}

static uint64_t engine_deadline(struct engine *engine, unsigned vcpu)
{
	struct kvm_vcpu *v = hold(engine, vcpu);
	uint64_t expiry = 0;
	int rc = vcpu_get_one(v, PPC_KVM_REG_DEC_EXPIRY, &expiry);

	if (rc < 0)
		vcpu_break(v, "read a decrementer", -rc);
	return expiry;
}

static bool engine_interrupt_pending(struct engine *engine, unsigned vcpu)
{
	struct kvm_engine *e = kvm_of(engine);

	return e->vcpus[vcpu].external ||
	       (int64_t)(engine_deadline(engine, vcpu) - (e->sys->timebase() + e->tb_offset)) <= 0;
}

static uint64_t engine_insns(const struct engine *engine, unsigned vcpu)
{
	return 0;
}

static bool engine_want_machine_checks(struct engine *engine)
{
	struct kvm_engine *e = kvm_of(engine);

	if (!e->mc_exit)
		return false;
	engine_stop(engine);
	for (unsigned i = 0; i < e->config.nr_vcpus; i++)
		if (enable(e->sys, e->vcpus[i].fd, KVM_CAP_PPC_FWNMI, 0, 0) < 0)
			return false;
	return true;
}

static bool linux_available(char *err, size_t err_size)
{
	return kvm_available(&kvm_sys_linux, err, err_size);
}

static struct engine *linux_create(const struct engine_config *config, char *err, size_t err_size)
{
	return kvm_create(&kvm_sys_linux, config, err, err_size);
}

const struct engine_ops engine_kvm = {
	.name = "KVM",
	.available = linux_available,
	.create = linux_create,
	.destroy = engine_destroy,
	.describe = engine_describe,
	.reset = engine_reset,
	.run = engine_run,
	.stop = engine_stop,
	.get_regs = engine_get_regs,
	.set_regs = engine_set_regs,
	.set_external = engine_set_external,
	.set_partition = engine_set_partition,
	.flush_tlb = engine_flush_tlb,
	.flush_process = engine_flush_process,
	.interrupt_pending = engine_interrupt_pending,
	.deadline = engine_deadline,
	.insns = engine_insns,
	.want_machine_checks = engine_want_machine_checks,
	.kick = engine_kick,
};
