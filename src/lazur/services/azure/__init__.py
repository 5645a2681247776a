"""What only Azure's wire needs: its tokens and signatures, and the files that its clients put."""
