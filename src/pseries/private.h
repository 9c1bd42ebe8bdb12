/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of pseries/: the state of the partition and the signatures of hcall and RTAS
 * handlers. Nobody outside pseries/ includes this; the public interface is partition.h.
 */
#ifndef FWNMI_PSERIES_PRIVATE_H
#define FWNMI_PSERIES_PRIVATE_H

#include "devices/nvram.h"
#include "devices/rtc.h"
#include "pseries/partition.h"
#include "pseries/fwnmi/trampoline.h"
#include "devices/vty.h"
#include "devices/xics.h"
#include "devices/xive.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A machine check raised as the architected interrupt, kept until the trampoline makes its call. */
struct papr_raised {
	bool valid, may_repair;
	uint64_t srr0; /* where it interrupted; identifies it in the trampoline's call */
	struct fwnmi_machine_check mc;
};

/* What the partition knows of a vCPU. The machine has its run state: see enum vcpu_state. */
struct papr_vcpu {
	/* FWNMI events on their way */
	bool reset_wanted; /* papr_resume() raises a system reset for its trampoline */
	bool in_trampoline; /* its trampoline's call is being answered, or waits for the buffer */
	struct papr_raised raised;

	/* dispatch accounting */
	uint64_t vpa; /* real address of the virtual processor area, 0: none */
	uint64_t slb_shadow; /* the same for the SLB shadow buffer */
	uint8_t slb_shadow_entries; /* how many it holds, up to SLB_ENTRIES */
	uint64_t dtl; /* and for the dispatch trace log */
	uint32_t dtl_entries; /* how many it holds */
	uint64_t dtl_index; /* how many were ever written */
	uint32_t dispatch_count; /* wraps; only its lowest bit and equality have a meaning */
	uint64_t ready_since; /* time base at which it was last taken off the processor */
	bool waited; /* it ceded; else its turn ended */
};

struct papr_errinjct_session {
	bool open;
	uint32_t token; /* of the last session */
};

/* Where the hash page table is; partition.hash_table_order is its size. */
struct papr_hash_table {
	uint8_t half; /* 0 or 1: of the hypervisor's memory */
	uint8_t pending; /* log2 of the bytes of what is prepared in the other half; 0: nothing */
};

#define PAPR_NR_DEVICES 4

struct papr {
	struct papr_config config;
	struct guest_memory *memory;
	char *bootargs;
	struct papr_vcpu vcpu[ENGINE_MAX_VCPUS];
	struct engine_partition partition; /* as the engine was last told */
	bool offers_radix, offers_hash; /* ways of translation that the guest may choose */
	bool offers_gtse; /* a radix guest may execute tlbie */
	struct papr_hash_table hash_table;
	/* How the guest has interrupts: by one of these. */
	bool has_xive;
	struct xics xics;
	struct xive xive;
	struct vty vty;
	struct nvram nvram;
	struct rtc rtc;
	struct device *devices[PAPR_NR_DEVICES]; /* all of them */
	struct fwnmi *fwnmi; /* NULL until the first reset */
	uint64_t fwnmi_rtas_base; /* as fwnmi_init() was last told */
	uint32_t fwnmi_rtas_size;
	bool may_repair; /* the event comes from the processor, not from an injection */
	bool ended; /* FWNMI ended the partition; cleared by a reset */
	struct papr_fwnmi_end fwnmi_end; /* how it last did so */

	bool by_trampoline;
	struct trampoline_code trampoline;
	bool trampolines_installed, trampolines_little_endian;
	uint8_t guest_vectors[TRAMPOLINE_VECTORS][TRAMPOLINE_MAX]; /* bytes they replaced */

	struct papr_errinjct_session errinjct;

	uint64_t rtas_base;
	uint32_t rtas_size;
	void *fdt;
	size_t fdt_size;
	uint64_t fdt_base;
};

/** papr_engine() - what the engine is. */
struct engine_description papr_engine(const struct papr *papr);
/** papr_engine_can() - does the engine have these capabilities? */
bool papr_engine_can(const struct papr *papr, unsigned capabilities);
/** papr_compat() - the processor whose facilities the guest is told to have */
static inline const struct cpu_model *papr_compat(const struct papr *papr)
{
	return papr->config.compat ? papr->config.compat : cpu_model_or_default(papr->config.cpu);
}
/**
 * papr_ready_to_deliver() - get ready for a guest that is about to register; false if events cannot
 * be delivered to it.
 */
bool papr_ready_to_deliver(struct papr *papr);

/* Return codes of hcalls: LoPAR table "Hypervisor Call Return Code Values". */
#define H_SUCCESS		  0
#define H_BUSY			  1 /* try again later */
#define H_CLOSED		  2
#define H_CONSTRAINED		  4
#define H_PARTIAL		  5
#define H_HARDWARE		  -1
#define H_FUNCTION		  -2
#define H_PRIVILEGE		  -3
#define H_PARAMETER		  -4
#define H_PTEG_FULL		  -6
#define H_NOT_FOUND		  -7
#define H_RESOURCE		  -16
#define H_P2			  -55
#define H_P3			  -56
#define H_P4			  -57
#define H_P5			  -58
#define H_TOO_BIG		  -64
#define H_UNSUPPORTED_FLAG	  -256 /* minus the number of the bit that is not supported */
#define H_UNSUPPORTED_FLAG_BIT(n) (H_UNSUPPORTED_FLAG - (n))

/* Status words of RTAS calls: LoPAR table "RTAS Status Word Values". */
#define RTAS_SUCCESS	     0
#define RTAS_HARDWARE_ERROR  -1
#define RTAS_BUSY	     -2 /* try again later */
#define RTAS_PARAMETER_ERROR -3
#define RTAS_NOT_AUTHORIZED  -9002

/* A hcall being carried out. */
struct hcall {
	struct papr *papr;
	unsigned vcpu; /* the caller */
	struct engine_regs regs; /* the caller's, written back afterwards */
	uint64_t *args; /* r4 .. r11, in and out */
	enum papr_action action; /* PAPR_RESUME unless the handler says otherwise */
	bool trampoline; /* made by a trampoline; answered once the registers are written */
	enum trampoline_vector vector; /* of that trampoline */
};

/* A handler carries out one hcall and returns what goes into r3. */
typedef int64_t hcall_fn(struct hcall *call);

/* The guests that a hypervisor call is for. */
enum hcall_translation {
	HCALL_ANY,
	HCALL_RADIX,
	HCALL_HASH,
};

/* The interrupt controller that they are for. */
enum hcall_interrupts {
	HCALL_EITHER,
	HCALL_XICS,
	HCALL_XIVE,
};

/* What a file of handlers registers: a table of these. An entry without a handler ends it. */
struct hcall_entry {
	uint16_t number;
	hcall_fn *handler;
	/* Its name in ibm,hypertas-functions. NULL: guests learn of it in another way. */
	const char *function_set;
	unsigned needs; /* ENGINE_CAP_* without which the call does not exist; 0: none */
	/* For others it does not exist either. */
	enum hcall_translation translation;
	enum hcall_interrupts interrupts;
};

extern const struct hcall_entry mode_hcalls[], vio_hcalls[], interrupt_hcalls[],
	exploitation_hcalls[], splpar_hcalls[], hash_table_hcalls[], rtas_hcalls[];
extern const struct hcall_entry *const hcall_tables[]; /* all of them; NULL ends them */

#define HCALL_PRIVATE 0xf000u /* From here on numbers are between our own code and us. */

/**
 * hcall_function_sets() - the value of ibm,hypertas-functions
 *
 * returns: its bytes, or 0 if they are more than @size
 */
size_t hcall_function_sets(const struct papr *papr, char *names, size_t size);

/* A RTAS call being carried out: the cells of its argument buffer, in host byte order. */
struct rtas_call {
	struct hcall *hcall;
	struct papr *papr;
	unsigned vcpu;
	unsigned nr_args, nr_rets; /* nr_rets without the status word */
	uint32_t args[16];
	uint32_t rets[16];
};

typedef int32_t rtas_fn(struct rtas_call *call);

/* What a file of handlers registers: a table of these. An entry without a handler ends it. */
struct rtas_entry {
	uint32_t token;
	const char *name; /* as in the device tree */
	rtas_fn *handler;
	uint8_t nr_args, nr_rets; /* without the status word; the guest may offer room for more */
};

extern const struct rtas_entry system_functions[], cpu_functions[], interrupt_functions[],
	nmi_functions[], nvram_functions[], time_of_day_functions[], errinjct_functions[];
extern const struct rtas_entry *const rtas_tables[]; /* all of them; NULL ends them */

/** rtas_function() - name of the function with this token, for the device tree; NULL if there is
 * none. */
const char *rtas_function(uint32_t token);
/** rtas_offered() - is there such a function, and does this partition have it? */
bool rtas_offered(const struct papr *papr, uint32_t token);
/** errinjct_offered() - has the user chosen the error injection option? */
bool errinjct_offered(const struct papr *papr);
/** errinjct_has() - is it one of that option's functions? */
bool errinjct_has(const struct rtas_entry *entry);
/** interrupt_source_has() - is it a function of XICS's source controller? */
bool interrupt_source_has(const struct rtas_entry *entry);
/** papr_raise() - signal an edge of one of the partition's interrupt sources. */
void papr_raise(struct papr *papr, uint32_t interrupt);
/** errinjct_tokens() - the value of ibm,errinjct-tokens: its bytes, or 0 if they are too many */
size_t errinjct_tokens(const struct papr *papr, char *value, size_t size);
#define RTAS_TOKEN_BASE 0x2000u

/* hcall 0xf000, which the RTAS entry point in guest memory makes with r4 = argument buffer. */
#define H_RTAS			   0xf000u
#define RTAS_CODE_SIZE		   0x40u
/* What trampolines make: payload/trampoline/README.md. */
#define H_TRAMPOLINE_SYSTEM_RESET  0xf010u
#define H_TRAMPOLINE_MACHINE_CHECK 0xf014u
#define RTAS_ERROR_LOG_MAX	   2048u

/* The interrupt that tells of an environmental or power warning: /event-sources. */
#define EPOW_INTERRUPT (XICS_SOURCE_BASE + 1)
/* Sensors: LoPAR table "Defined Sensors". */
#define SENSOR_EPOW    9u

/** rtas_write_entry() - put the RTAS entry point's instructions at the start of the RTAS area. */
bool rtas_write_entry(struct papr *papr);

/* partition.c */
void papr_debug(struct papr *papr, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** papr_warn() - like papr_debug(), but for what the user must see in any case. */
void papr_warn(struct papr *papr, const char *format, ...) __attribute__((format(printf, 2, 3)));
void papr_event(struct papr *papr, const struct papr_event *event);
void papr_set_partition(struct papr *papr);
/** papr_real_mode_size() - bytes of the first region of memory, which real mode reaches */
uint64_t papr_real_mode_size(const struct papr *papr);
static inline uint64_t papr_timebase(const struct papr *papr)
{
	return clock_timebase(papr->config.clock, 0);
}
static inline enum vcpu_state papr_vcpu_state(const struct papr *papr, unsigned vcpu)
{
	return papr->config.host.vcpu_state(papr->config.host.opaque, vcpu);
}
/** papr_vcpu_started() - has the guest started this vCPU, and not stopped it? */
static inline bool papr_vcpu_started(const struct papr *papr, unsigned vcpu)
{
	enum vcpu_state state = papr_vcpu_state(papr, vcpu);

	return state == VCPU_RUNNABLE || state == VCPU_CEDED;
}
/** papr_vcpu_exists() - is @number a vCPU of this partition? */
static inline bool papr_vcpu_exists(const struct papr *papr, uint64_t number)
{
	return number < papr->config.nr_vcpus;
}

/* hcall/splpar.c */
/**
 * slb_restore() - load the vCPU's SLB anew from its shadow buffer
 *
 * returns: false, with nothing changed, if it has none, or the buffer or engine can't be used
 */
bool slb_restore(struct papr *papr, unsigned vcpu);

/* hcall/hash_table.c */
#define HASH_LARGEST_PAGE 24u /* log2 of its bytes */
/** hash_table_order() - log2 of the bytes of the table that a guest with so much memory begins with
 */
unsigned hash_table_order(uint64_t ram);
/** hash_table_largest() - the same of the largest it may change to */
unsigned hash_table_largest(const struct papr *papr);
/** hash_table_reset() - begin with an empty table: the machine has cleared memory. */
void hash_table_reset(struct papr *papr);
/** hash_table_empty() - remove all entries; the engine is not told. */
void hash_table_empty(struct papr *papr);
#define BLOCK_CHARACTERISTICS_MAX 16
/**
 * hash_table_block_characteristics() - write the value of the system parameter "TLB Block
 * Invalidate Characteristics"; returns its bytes, 0 if the guest has no such calls
 */
size_t hash_table_block_characteristics(const struct papr *papr, uint8_t *buf);
/** hash_table_place() - have papr->partition say where the table is. */
void hash_table_place(struct papr *papr);

/* device_tree.c */
/**
 * fdt_build() - build the device tree from papr's configuration and layout
 * @papr: rtas_base and rtas_size are set
 * @err: gets the reason on failure
 *
 * returns: true, with papr->fdt and papr->fdt_size set; false on failure
 */
bool fdt_build(struct papr *papr, char *err, size_t err_size);

/* fwnmi/delivery.c */
bool papr_fwnmi_init(struct papr *papr, char *err, size_t err_size);
/**
 * papr_trampoline() - a trampoline has handed over its interrupt
 * @regs: R3 in SPRG2, the rest as the interrupt left it
 */
void papr_trampoline(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
		     enum trampoline_vector vector, struct papr_outcome *outcome);
/**
 * papr_signal_system_reset() - reset a vCPU before it runs again. Several signals until then count
 * as one.
 */
void papr_signal_system_reset(struct papr *papr, unsigned vcpu);

/* fwnmi/vectors.c: trampolines in the guest's vectors */
extern const unsigned trampoline_vectors[TRAMPOLINE_VECTORS]; /* their real addresses */
/**
 * trampolines_install() - the guest has registered: take over its vectors if events go by
 * trampoline.
 */
void trampolines_install(struct papr *papr);
/** trampolines_remove() - put back what they replaced, where the guest has not done so. */
void trampolines_remove(struct papr *papr);
/** trampolines_intact() - does the vector still hold the code that the partition put there? */
bool trampolines_intact(const struct papr *papr, enum trampoline_vector vector);
/**
 * trampolines_repair() - if the guest has overwritten a trampoline, put it back
 * @stale: another system runs and owns the vectors now: leave them alone
 */
void trampolines_repair(struct papr *papr, unsigned vcpu, enum trampoline_vector vector,
			bool stale);
/** trampolines_overlap() - would this routine overlap a trampoline? R5 forbids that. */
bool trampolines_overlap(const struct papr *papr, uint64_t routine);
/** trampolines_endian_changed() - partition.interrupt_little_endian has a new value. */
void trampolines_endian_changed(struct papr *papr);
/** trampolines_called() - do these registers come from a call that a trampoline just made? */
bool trampolines_called(const struct papr *papr, const struct engine_regs *regs,
			enum trampoline_vector vector);

#endif
