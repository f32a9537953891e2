static char help[] =
    "The table of transposed solves: every PC and KSP type of PETSc on one problem. A gradient is right or there is an error.\n\
  -problem <convection,saddle,boundary,elasticity,spd>\n\
  -group <list>      which cases: direct, superlu_dist, onelevel, levels, composed, krylov, na; default: all but superlu_dist\n\
  -case <label>      one of them\n\
  -table_csv <file>  where the rows go; the number of ranks is appended\n\
  -table_verbose     prints them as well\n";

#include "table/table.h"

typedef struct {
  char        problem[64], one[128], *groups[16];
  PetscInt    ngroups;
  PetscMPIInt size;
  PetscBool   single, chosen, verbose;
  FILE       *csv;
  Vec         reference;
  PetscInt    count[TABLE_MAX];
} Table;

static PetscErrorCode Quoted(FILE *f, const char text[])
{
  PetscFunctionBeginUser;
  fputc('"', f);
  for (; *text; text++) {
    if (*text == '"') fputc('"', f);
    fputc(*text == '\n' ? ' ' : *text, f);
  }
  fputc('"', f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Row(Table *t, const char group[], const char label[], const char options[], const TableResult *r)
{
  PetscFunctionBeginUser;
  t->count[r->outcome]++;
  if (t->csv) {
    fprintf(t->csv, "%s,%d,%s,%s,", t->problem, (int)t->size, group, r->ksp[0] ? r->ksp : "-");
    PetscCall(Quoted(t->csv, label));
    fprintf(t->csv, ",%s,%s,%d,%d,%.2e,%.2e,", TableOutcomes[r->outcome], DiniRungs[r->rung], (int)r->forward,
            (int)r->adjoint, (double)r->residual, (double)r->distance);
    PetscCall(Quoted(t->csv, options ? options : ""));
    fputc(',', t->csv);
    PetscCall(Quoted(t->csv, r->message));
    fputc('\n', t->csv);
    fflush(t->csv);
  }
  if (t->verbose || (r->outcome > TABLE_NA))
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%-12s %-40s %-14s %-12s %4d %4d  %.1e %.1e  %s\n", t->problem, label,
                          TableOutcomes[r->outcome], DiniRungs[r->rung], (int)r->forward, (int)r->adjoint,
                          (double)r->residual, (double)r->distance, r->message));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Wanted(const Table *t, const TableCase *c, PetscBool *wanted)
{
  PetscBool is = PETSC_FALSE;

  PetscFunctionBeginUser;
  *wanted = PETSC_FALSE;
  if (t->single) {
    PetscCall(PetscStrcmp(t->one, c->label, wanted));
    if (!*wanted) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!t->single || t->chosen) {
    for (PetscInt g = 0; g < t->ngroups && !is; g++) PetscCall(PetscStrcmp(t->groups[g], c->group, &is));
    if (!is) PetscFunctionReturn(PETSC_SUCCESS);
  }
  *wanted = (PetscBool)(c->ranks == 0 || (c->ranks == 1) == (t->size == 1));
  if (*wanted && c->problems) PetscCall(PetscStrInList(t->problem, c->problems, ',', wanted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Case(Table *t, const TableCase *c)
{
  TableResult r;
  PetscBool   wanted, has = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(Wanted(t, c, &wanted));
  if (!wanted) PetscFunctionReturn(PETSC_SUCCESS);
  if (c->needs) PetscCall(PetscHasExternalPackage(c->needs, &has));
  PetscCall(PetscMemzero(&r, sizeof(r)));
  if (!c->options || !has) {
    r.outcome = TABLE_NA;
    if (has) PetscCall(PetscStrncpy(r.message, c->reason, sizeof(r.message)));
    else PetscCall(PetscSNPrintf(r.message, sizeof(r.message), "this PETSc is built without %s", c->needs));
  } else PetscCall(TableRun(t->problem, c->options, t->reference, &r));
  PetscCall(Row(t, c->group, c->label, c->options, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a row for this type already? */
static PetscErrorCode Named(const TableCase *cases, const char key[], const char type[], PetscBool *named)
{
  char word[128];

  PetscFunctionBeginUser;
  *named = PETSC_FALSE;
  PetscCall(PetscSNPrintf(word, sizeof(word), "%s %s ", key, type));
  for (const TableCase *c = cases; c->group && !*named; c++) {
    char  options[1024];
    char *at = NULL;

    if (c->options) {
      PetscCall(PetscSNPrintf(options, sizeof(options), "%s ", c->options));
      PetscCall(PetscStrstr(options, word, &at));
      *named = (PetscBool)(at != NULL);
    } else PetscCall(PetscStrcmp(c->label, type, named));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The listed cases, then every type of this PETSc that they leave out. */
static PetscErrorCode Cases(Table *t, const TableCase *cases, const char group[], PetscFunctionList list,
                            const char key[], const char more[])
{
  const char **names;
  int          n;
  PetscBool    named, plain;

  PetscFunctionBeginUser;
  for (const TableCase *c = cases; c->group; c++) PetscCall(Case(t, c));
  PetscCall(PetscFunctionListGet(list, &names, &n));
  for (int i = 0; i < n; i++) {
    char      options[256];
    TableCase c = {group, names[i], options, 0, NULL, NULL, NULL};

    if (!names[i]) continue;
    PetscCall(Named(cases, key, names[i], &named));
    PetscCall(PetscStrcmp(names[i], KSPGMRES, &plain)); /* has a variant in the list, and a row of its own */
    if (!plain) PetscCall(PetscStrcmp(names[i], KSPBCGS, &plain));
    if (named && !plain) continue;
    PetscCall(PetscSNPrintf(options, sizeof(options), "%s %s%s", key, names[i], more));
    PetscCall(Case(t, &c));
  }
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TableOpen(Table *t)
{
  char        path[PETSC_MAX_PATH_LEN], prefix[PETSC_MAX_PATH_LEN];
  PetscBool   set;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t, sizeof(*t)));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &t->size));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(PetscStrncpy(t->problem, "convection", sizeof(t->problem)));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", t->problem, sizeof(t->problem), NULL));
  t->ngroups = 16;
  PetscCall(PetscOptionsGetStringArray(NULL, NULL, "-group", t->groups, &t->ngroups, &t->chosen));
  if (!t->chosen) {
    const char *const all[] = {"direct", "onelevel", "levels", "composed", "krylov", "na"};

    t->ngroups = 6;
    for (int g = 0; g < 6; g++) PetscCall(PetscStrallocpy(all[g], &t->groups[g]));
  }
  PetscCall(PetscOptionsGetString(NULL, NULL, "-case", t->one, sizeof(t->one), &t->single));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-table_verbose", &t->verbose));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-table_csv", prefix, sizeof(prefix), &set));
  if (set && rank == 0) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s.n%d.csv", prefix, (int)t->size));
    t->csv = fopen(path, "w");
    PetscCheck(t->csv, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "Cannot write %s", path);
    fprintf(t->csv, "# PETSc %d.%d.%d, %s, %d-bit indices\n", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
            PETSC_VERSION_SUBMINOR, PetscDefined(USE_COMPLEX) ? "complex" : "real", (int)(8 * sizeof(PetscInt)));
    fprintf(t->csv,
            "problem,ranks,group,ksp,pc,outcome,rung,forward its,adjoint its,residual,distance,options,message\n");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Table        t;
  TableProblem p;
  PetscInt     rows = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks()); /* most groups have a case with an error */
  PetscCall(DiniInitializePackage());
  PetscCall(TableOpen(&t));
  PetscCall(TableProblemCreate(PETSC_COMM_WORLD, t.problem, &p));
  PetscCall(VecDuplicate(p.u, &t.reference));
  PetscCall(TableReference(&p, t.reference));
  PetscCall(TableProblemDestroy(&p));
  PetscCall(Cases(&t, TableCases, "onelevel", PCList, "-pc_type", ""));
  PetscCall(Cases(&t, TableKrylov, "krylov", KSPList, "-ksp_type", " -pc_type bjacobi"));
  PetscCall(VecDestroy(&t.reference));
  for (PetscInt g = 0; g < t.ngroups; g++) PetscCall(PetscFree(t.groups[g]));
  if (t.csv) fclose(t.csv);
  for (int k = 0; k < TABLE_MAX; k++) rows += t.count[k];
  DiniTestTrue(rows > 0, "No case of this name and group applies to the problem %s", t.problem);
  DiniTestTrue(t.count[TABLE_WRONG] + t.count[TABLE_RAW] + t.count[TABLE_BROKEN] == 0,
               "%" PetscInt_FMT " wrong, %" PetscInt_FMT " errors that are not clear, %" PetscInt_FMT " broken",
               t.count[TABLE_WRONG], t.count[TABLE_RAW], t.count[TABLE_BROKEN]);
  PetscCall(PetscFinalize());
  return 0;
}
