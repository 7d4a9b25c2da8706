/* What zoo.c depends on in one case, and nobody finds. */
__attribute__((visibility("default"))) int plexus_zoo_dependency(void);
int plexus_zoo_dependency(void) { return 1; }
